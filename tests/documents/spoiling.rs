//! Documents that are nearly right, and such as nobody would write: words moved, much of one
//! thing, bytes.

use harness::Dice;

use super::schema::Schema;
use super::writing::Asked;

const PIECES: [&str; 20] = [
    "{", "}", "(", ")", "[", "]", ":", "!", "$", "@", "...", "\"", "\"\"\"", "#", "\u{0}",
    "fragment", "on", "null", "\u{feff}", "é",
];

/// Puts something wrong into a document, or into its variables.
pub(super) fn spoilt(mut asked: Asked, dice: &mut Dice) -> Asked {
    for _ in 0..=dice.below(3) {
        let text = if dice.chance(85) { &mut asked.query } else { &mut asked.variables };
        let mut words: Vec<&str> = text.split_inclusive([' ', '(', ')', '{', '}', ':']).collect();
        let at = dice.below(words.len());
        match dice.below(5) {
            0 => drop(words.remove(at)),
            1 => words.insert(at, words[dice.below(words.len())]),
            2 => words[at] = dice.pick(&PIECES),
            3 => words.truncate(at),
            _ => {
                let other = dice.below(words.len());
                words.swap(at, other);
            }
        }
        let spoilt = words.concat();
        *text = if spoilt.is_empty() { " ".to_owned() } else { spoilt };
    }
    asked
}

/// Much of one thing: as a whole nothing that anybody is answered, and nothing that may take long.
pub(super) fn excessive(schema: &Schema, dice: &mut Dice) -> Asked {
    let (_, root) = &schema.roots[0];
    let fields = &schema.types[root].fields;
    let field = fields[dice.below(fields.len())].name.clone();
    let count = dice.pick(&[10, 100, 1_000, 5_000]);
    let each = |one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<String>();
    let query = match dice.below(9) {
        0 => format!("{}__typename{}", format!("{{{field}").repeat(count), "}".repeat(count)),
        1 => format!("{{{}}}", each(&|n| format!("a{n}: __typename "))),
        2 => format!("{{ __typename {} }}", "@include(if: true) ".repeat(count)),
        3 => {
            let next = |n| format!("fragment f{n} on {root} {{ ...f{0} ...f{0} }} ", n + 1);
            format!("{{ ...f0 }} {} fragment f{count} on {root} {{ __typename }}", each(&next))
        }
        4 => format!("{{ {field}(id: {}1{}) }}", "[".repeat(count), "]".repeat(count)),
        5 => format!("{{ {field}(id: \"{}\") {{ id }} }}", "\\u0000".repeat(count)),
        6 => format!("query({}) {{ __typename }}", each(&|n| format!("$v{n}: Int "))),
        7 => each(&|n| format!("query q{n} {{ __typename }} ")),
        _ => format!("{{ {} }}", each(&|_| format!("{field} {{ id }} "))),
    };
    let variables = match dice.below(4) {
        0 => format!("{{{}\"x\":1}}", each(&|n| format!("\"v{n}\":{n},"))),
        1 => format!("{{\"x\":{}{}}}", "[".repeat(count), "]".repeat(count)),
        _ => "{}".to_owned(),
    };
    Asked { query, variables }
}

/// Bytes without a meaning.
pub(super) fn noise(dice: &mut Dice) -> Vec<u8> {
    let count = dice.below(300);
    (0..count).map(|_| u8::try_from(dice.below(256)).unwrap_or_default()).collect()
}
