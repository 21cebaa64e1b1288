//! The documents against the program: what they tell people to run exists, and what they link to is there.

use std::fs;
use std::path::{Path, PathBuf};

use rebound::cli;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A document for people, and its lines.
struct Document {
    path: PathBuf,
    text: String,
}

fn documents() -> Vec<Document> {
    let in_directory = |name: &str| fs::read_dir(root().join(name)).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = [".", "docs", "pipelines", "benches/opencv"].into_iter().flat_map(in_directory).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    paths.into_iter().map(|path| Document { text: fs::read_to_string(&path).unwrap(), path }).collect()
}

/// The lines of fenced and indented code.
fn code_lines(text: &str) -> Vec<&str> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.starts_with("    ") {
            lines.push(line.trim());
        }
    }
    lines
}

/// The words of a shell command up to a comment, a pipe or another command.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for letter in line.chars() {
        match (quote, letter) {
            (Some(mark), letter) if letter == mark => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '#' | '|' | '>' | ';' | '&') if word.is_none() => break,
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// What comes after `rebound` in a line that runs it, also with variables in front or in a container.
fn call(line: &str) -> Option<Vec<String>> {
    let mut words = words(line.trim_start_matches("$ "));
    let is_program = |word: &String| word == "rebound" || word.ends_with("/rebound");
    let is_variable = |word: &String| word.contains('=') && word.starts_with(|letter: char| letter.is_ascii_uppercase());
    let at = words.iter().position(|word| !is_variable(word)).filter(|at| is_program(&words[*at]))?;
    Some(words.split_off(at + 1))
}

fn refusal(arguments: &[String]) -> Option<String> {
    let words = std::iter::once("rebound").chain(arguments.iter().map(String::as_str));
    cli::command(None).try_get_matches_from(words).err().filter(clap::Error::use_stderr).map(|error| error.to_string())
}

#[test]
fn every_command_in_the_documents_and_in_the_help_is_one() {
    let mut calls = 0;
    let mut check = |place: &str, line: &str| {
        let Some(arguments) = call(line) else { return };
        calls += 1;
        assert_eq!(refusal(&arguments), None, "{place}: {line}");
    };
    for document in documents() {
        code_lines(&document.text).into_iter().for_each(|line| check(&document.path.display().to_string(), line));
    }
    let definition = cli::command(None);
    for command in std::iter::once(&definition).chain(definition.get_subcommands()) {
        let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in examples.lines().filter(|line| line.starts_with("  rebound ")) {
            // What an example is for stands after three spaces and more.
            let line = line.trim();
            check(command.get_name(), line.split("   ").next().unwrap());
        }
    }
    assert!(calls >= 15, "only {calls} were found");
}

#[test]
fn commands_are_read_as_a_shell_reads_them() {
    let call = |line: &str| call(line).map(|words| words.join("|"));
    assert_eq!(call("$ rebound send --encoder 'a b=1' # c").as_deref(), Some("send|--encoder|a b=1"));
    assert_eq!(call("GST_DEBUG=2 ./target/debug/rebound demo > x").as_deref(), Some("demo"));
    assert_eq!(call("cargo run"), None);
    assert_eq!(call("name = \"rebound\""), None);
    assert!(refusal(&["send".to_owned(), "--sise".to_owned()]).is_some());
}

/// The targets of inline links and of images, in Markdown and in HTML.
fn targets(text: &str) -> Vec<&str> {
    let after = |mark: &'static str, end: char| text.split(mark).skip(1).filter_map(move |rest| rest.split(end).next());
    after("](", ')').chain(after("src=\"", '"')).chain(after("href=\"", '"')).collect()
}

/// A heading as the part of a link after `#`, as GitHub makes it.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let kept = |letter: char| letter.is_alphanumeric() || " -_".contains(letter);
    headings
        .map(|line| line.trim_start_matches('#').trim().to_lowercase().chars().filter(|letter| kept(*letter)).collect())
        .map(|heading: String| heading.replace(' ', "-"))
        .collect()
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    for Document { path, text } in documents() {
        for target in targets(&text) {
            if ["http://", "https://", "mailto:"].iter().any(|scheme| target.starts_with(scheme)) {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(file.exists(), "{} links to {target}, which is not there", path.display());
            let leads =
                anchor.is_empty() || anchors(&fs::read_to_string(&file).unwrap()).iter().any(|known| known == anchor);
            assert!(leads, "{} links to {target}, but there is no such heading", path.display());
        }
    }
}

#[test]
fn every_clause_of_whip_and_whep_names_a_test_that_exists() {
    let table = fs::read_to_string(root().join("docs/whip-whep.md")).unwrap();
    let rows: Vec<Vec<&str>> =
        table.lines().filter(|line| line.starts_with("| ")).map(|line| line.split('|').collect()).collect();
    let tests: Vec<&str> = rows.iter().filter_map(|row| row.get(4)?.trim().strip_prefix('`')?.strip_suffix('`')).collect();
    let mut sources = Vec::new();
    for directory in ["src", "tests"] {
        rust_files(&root().join(directory), &mut sources);
    }
    for test in &tests {
        let defined = format!("fn {test}(");
        assert!(sources.iter().any(|source| source.contains(&defined)), "there is no test {test}");
    }
    let clauses = (1..=28).map(|number| format!("W{number}")).chain((1..=6).map(|number| format!("E{number}")));
    for clause in clauses {
        assert!(rows.iter().any(|row| row[1].trim() == clause), "{clause} is not in the table");
    }
    assert!(tests.len() > 20, "only {} were found", tests.len());
}

fn rust_files(directory: &Path, found: &mut Vec<String>) {
    for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_encoder_that_the_documents_name_is_in_the_table() {
    let table: toml::Table = fs::read_to_string(root().join("pipelines/encoders.toml")).unwrap().parse().unwrap();
    let known: Vec<&str> = table["encoder"].as_array().unwrap().iter().filter_map(|entry| entry["name"].as_str()).collect();
    for document in documents() {
        for line in code_lines(&document.text) {
            let Some(arguments) = call(line) else { continue };
            let given = arguments.iter().position(|word| word == "--encoder").and_then(|at| arguments.get(at + 1));
            let Some(name) = given.filter(|text| !text.contains([' ', '!'])) else { continue };
            assert!(name == "auto" || known.contains(&name.as_str()), "{}: {line}", document.path.display());
        }
    }
}
