//! What a machine can hold of the style: lengths, openings, leftovers, where SQL may stand, names.
//! Not who may use whom: that is `architecture.rs`. A check is a pure function over a path and its
//! text, and beside each stands a test that proves that it finds what it looks for.

mod habits;
mod placement;
mod size;
pub(crate) mod source;

/// A line, what is wrong there, and what would be right.
type Breach = (usize, String);

#[test]
fn functions_fit_on_a_screen() {
    hold(size::long_functions);
}

#[test]
fn files_can_be_read_in_one_sitting() {
    hold(size::long_file);
}

#[test]
fn lines_need_no_scrolling() {
    hold(size::wide_lines);
}

#[test]
fn every_file_says_what_is_in_it() {
    hold(habits::silent_opening);
}

#[test]
fn only_tests_unwrap() {
    let tests = source::test_modules(&source::files());
    hold(|path, text| match tests.contains(path) {
        true => Vec::new(),
        false => habits::unwraps(path, text),
    });
}

#[test]
fn exceptions_to_a_lint_say_why() {
    hold(habits::unexplained_exceptions);
}

#[test]
fn nothing_is_left_unfinished() {
    hold(habits::leftovers);
}

#[test]
fn sql_is_spoken_in_few_places() {
    hold(placement::stray_sql);
}

#[test]
fn names_say_what_is_inside() {
    hold(placement::empty_names);
}

#[test]
fn the_program_needs_nothing_outside_its_own_tree() {
    hold(placement::outside_references);
}

fn hold(check: impl Fn(&str, &str) -> Vec<Breach>) {
    let breaches: Vec<String> = source::files()
        .iter()
        .flat_map(|(path, text)| {
            let found = check(path, text).into_iter();
            found.map(move |(line, what)| format!("{path}:{line}: {what}"))
        })
        .collect();
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}
