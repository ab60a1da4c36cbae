//! The README, run as it is printed: its tour in one bash session, against a program of its own.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use harness::Program;
use harness::app::scratch;
use harness::cluster::built;

use crate::import::real::first_rows;

/// Where the README's program listens.
const ADDRESS: &str = "http://127.0.0.1:8080";
/// What a line of an answer may have in the place of this.
const ANYTHING: char = '…';
/// Stands in the session's output behind what each block answered.
const END: char = '\u{1e}';
/// How long the session may take.
const SESSION: Duration = Duration::from_secs(120);

/// Commands of the README, and what it says that they answer, if it does.
#[derive(Debug, PartialEq)]
struct Block {
    line: usize,
    commands: String,
    answer: Option<String>,
}

#[test]
fn the_tour_works_as_printed() {
    let (tour, answers) = walked("## A tour", |_| ());
    assert!(tour.len() > 10, "the README has a tour: {} blocks", tour.len());
    for (block, answer) in tour.iter().zip(&answers) {
        let line = block.line;
        if let Some(printed) = &block.answer {
            assert!(is_answer(printed, answer), "README.md:{line}: printed\n{printed}\n{answer}");
        }
    }
}

/// On the file's first rows, for a program that is not optimized takes minutes for all of them. So
/// only that the commands work is claimed here; the figures are those of `import::real`.
#[test]
fn the_year_of_trade_is_imported_as_printed() {
    let Some(rows) = first_rows() else { return };
    let (blocks, answers) = walked("## A year of trade", |folder| {
        let mut packed = liblzma::write::XzEncoder::new(Vec::new(), 1);
        packed.write_all(rows.as_bytes()).expect("packing the rows");
        let packed = packed.finish().expect("the packed rows");
        fs::write(folder.join("online-retail.csv.xz"), packed).expect("the file");
        let examples = harness::root().join("examples");
        std::os::unix::fs::symlink(examples, folder.join("examples")).expect("the mapping");
    });
    assert_eq!(blocks.len(), 1);
    let answer = &answers[0];
    for told in ["it would bring", "was imported into online-retail", "2010-12-01", "salesByMonth"]
    {
        assert!(answer.contains(told), "no `{told}` in {answer}");
    }
}

#[test]
fn the_log_is_replayed_as_printed_and_gives_what_the_read_model_has() {
    let (blocks, answers) = walked("## Replay the log in your own tool", |_| ());
    assert_eq!(blocks.len(), 4);
    assert!(answers[0].contains("exported "), "{}", answers[0]);
    assert_eq!(answers[1].lines().count(), 5, "{}", answers[1]);
    assert_eq!(answers[1], answers[2], "replayed (left), read.stock (right)");
    for told in ["business_day", "orders", "net"] {
        assert!(answers[3].contains(told), "no `{told}` in {}", answers[3]);
    }
}

#[test]
fn the_log_is_kept_as_printed() {
    answers_as_printed("## Keep it for decades", 4);
}

#[test]
fn read_models_are_carried_on_rebuilt_and_looked_back_at_as_printed() {
    answers_as_printed("## Read models, workers, looking back", 4);
}

/// A section whose blocks all say what they answer.
fn answers_as_printed(heading: &str, count: usize) {
    let (blocks, answers) = walked(heading, |_| ());
    assert_eq!(blocks.len(), count);
    for (block, answer) in blocks.iter().zip(&answers) {
        let printed = block.answer.as_ref().expect("what it answers");
        let line = block.line;
        // What is logged beside what is answered: JSON, for the session is no terminal.
        let logged = |line: &&str| line.starts_with("{\"timestamp\"");
        let answer: Vec<&str> = answer.lines().filter(|line| !logged(line)).collect();
        let answer = answer.join("\n");
        assert!(is_answer(printed, &answer), "README.md:{line}: printed\n{printed}\n{answer}");
    }
}

/// What the commands of a section of the README answer, run in one session beside `make run`'s
/// program, in a folder that was prepared.
fn walked(heading: &str, prepare: impl FnOnce(&Path)) -> (Vec<Block>, Vec<String>) {
    let readme = fs::read_to_string(harness::root().join("README.md")).expect("the README");
    let tour = blocks(section(&readme, heading));
    let needed = [
        ("curl", "curl"),
        ("node", "nodejs"),
        ("psql", "postgresql-client"),
        ("python3", "python3-venv"),
    ];
    for (program, package) in needed {
        let found = Command::new(program).arg("--version").output();
        assert!(found.is_ok(), "the tour needs `{program}`: apt install {package}");
    }
    let folder = scratch();
    fs::create_dir_all(folder.path().join("target/release")).expect("the program's folder");
    std::os::unix::fs::symlink(built("millrace"), folder.path().join("target/release/millrace"))
        .expect("the program where the README has it");
    prepare(folder.path());
    let program = Program::serve_with(&folder.path().join("data"), &["--demo"], &[]);
    let (status, output) = session(folder.path(), &script(&tour, &program.url));
    // Before anything fails: a program that is killed leaves its PostgreSQL running.
    let stopped = program.terminate(Duration::from_secs(30));
    let answers: Vec<String> = output.split(END).map(str::to_owned).collect();
    let reached = tour.get(answers.len() - 1).map_or(0, |block| block.line);
    let last = answers.last().cloned().unwrap_or_default();
    assert!(status.is_some_and(|s| s.success()), "README.md:{reached}: {status:?}: {last}");
    assert!(stopped.success(), "the program ends well: {stopped}");
    (tour, answers)
}

/// The part of a Markdown text under a heading of the second level, with the lines' numbers.
fn section<'a>(text: &'a str, heading: &str) -> impl Iterator<Item = (usize, &'a str)> {
    let lines = (1..).zip(text.lines()).skip_while(move |(_, line)| *line != heading).skip(1);
    lines.take_while(|(_, line)| !line.starts_with("## "))
}

/// The `bash` blocks, each with the `text` block that follows it before the next one.
fn blocks<'a>(lines: impl Iterator<Item = (usize, &'a str)>) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut inside = None;
    for (line, text) in lines {
        match (inside, text) {
            (None, "```bash") => {
                inside = Some("bash");
                found.push(Block { line, commands: String::new(), answer: None });
            }
            (None, "```text") => {
                inside = Some("text");
                found.last_mut().and_then(|block| block.answer.replace(String::new()));
            }
            (Some(_), "```") => inside = None,
            (Some(kind), text) => {
                let Some(block) = found.last_mut() else { continue };
                let into = match kind {
                    "text" => block.answer.get_or_insert_default(),
                    _ => &mut block.commands,
                };
                into.push_str(text);
                into.push('\n');
            }
            (None, _) => {}
        }
    }
    found
}

/// The blocks as one script that stops at the first command that fails.
fn script(tour: &[Block], url: &str) -> String {
    let mut script = "set -e\n".to_owned();
    for block in tour {
        script.push_str(&block.commands.replace(ADDRESS, url));
        script.push_str(&format!("printf '{END}'\n"));
    }
    script
}

/// Runs a script in a folder: how it ended, if it did in time, and all that it printed. Its output
/// goes to a file, for what it leaves in the background would hold a pipe open.
pub(crate) fn session(folder: &Path, script: &str) -> (Option<ExitStatus>, String) {
    let path = folder.join("output");
    let output = File::create(&path).and_then(|file| Ok((file.try_clone()?, file)));
    let (out, errors) = output.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", script]).current_dir(folder).env("LC_ALL", "C");
    bash.stdin(Stdio::null()).stdout(out).stderr(errors);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text == "DATABASE_URL" || text.starts_with("MILLRACE__") || text.starts_with("PG") {
            bash.env_remove(name);
        }
    }
    let child = bash.spawn().unwrap_or_else(|error| panic!("bash: {error}"));
    let status = ended(child);
    (status, fs::read_to_string(&path).unwrap_or_default())
}

fn ended(mut child: Child) -> Option<ExitStatus> {
    let started = Instant::now();
    while started.elapsed() < SESSION {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(child.kill());
    drop(child.wait());
    None
}

/// Whether an answer is the one that is printed, line by line.
fn is_answer(printed: &str, answer: &str) -> bool {
    let lines = |text: &str| -> Vec<String> {
        text.trim_matches('\n').lines().map(|line| line.trim_end().to_owned()).collect()
    };
    let (printed, answer) = (lines(printed), lines(answer));
    printed.len() == answer.len()
        && printed.iter().zip(&answer).all(|(printed, answer)| is_line(printed, answer))
}

fn is_line(printed: &str, answer: &str) -> bool {
    let Some((head, tail)) = printed.split_once(ANYTHING) else {
        return printed == answer;
    };
    let Some(rest) = answer.strip_prefix(head) else {
        return false;
    };
    let places = rest.char_indices().map(|(place, _)| place).chain([rest.len()]);
    places.into_iter().any(|place| is_line(tail, &rest[place..]))
}

#[test]
fn blocks_of_a_section_are_found_with_what_they_answer() {
    let text = "## A\n```bash\nx\n```\n## B\n\n```bash\necho 1\necho 2\n```\nsays\n```text\n1\n2\n\
        ```\n```bash\ntrue\n```\n## C\n```bash\ny\n```\n";
    let block = |line, commands: &str, answer: Option<&str>| Block {
        line,
        commands: commands.to_owned(),
        answer: answer.map(str::to_owned),
    };
    let found = blocks(section(text, "## B"));
    assert_eq!(found, [block(7, "echo 1\necho 2\n", Some("1\n2\n")), block(16, "true\n", None)]);
}

#[test]
fn an_ellipsis_stands_for_anything_within_a_line_and_nothing_else_does() {
    for answer in ["id: 1, net: 2\n\n", "id: , net: 2"] {
        assert!(is_answer("id: …, net: 2", answer), "{answer}");
    }
    for answer in ["id: 1, net: 3", "id: 1, net: 2\nmore", "", "id: 1\n, net: 2"] {
        assert!(!is_answer("id: …, net: 2", answer), "{answer}");
    }
    assert!(is_answer("a… b…", "a: 1 b: 2"));
    assert!(!is_answer("a b", "a  b"));
}
