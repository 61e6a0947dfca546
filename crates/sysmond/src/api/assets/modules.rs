//! The page's modules as they are sent: those that every visit needs as one script. A browser takes four milliseconds
//! and more for each file, wherever it comes from; sixty of them were half of what a visit waited for.
//!
//! Nothing is built for it. Each module is put into a block of its own, in the order in which imports would have run
//! them, and tells what it exports to those after it:
//!
//! ```js
//! export const $modules = {};
//! // lib/level.js
//! {
//! const levelOf = (value) => …;
//! $modules["lib/level.js"] = { levelOf };
//! }
//! // components/meter.js
//! {
//! const { levelOf } = $modules["lib/level.js"];
//! ```
//!
//! A module that is loaded later takes from there what it shares with these, so that there is one of each. The sources
//! remain modules that any server of files could serve; how they may say `import` and `export` is held by
//! `dashboard/test/page.test.js`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Where a module finds those that were joined.
const TABLE: &str = "$modules";

/// The modules that an entry imports, itself the last.
pub(super) struct Joined {
    entry: String,
    modules: Vec<Module>,
}

struct Module {
    path: String,
    text: String,
}

/// Why modules cannot be one script: a mistake in the sources, which a test finds.
#[derive(Debug, thiserror::Error)]
pub(super) enum JoinError {
    #[error("the page has no module {path}")]
    Missing { path: String },
    #[error("the module {path} imports what imports it")]
    Circular { path: String },
}

impl Joined {
    /// `read` gives a module's text by its path below the page.
    pub(super) fn of(entry: &str, read: &dyn Fn(&str) -> Option<String>) -> Result<Self, JoinError> {
        let mut joined = Self { entry: entry.to_owned(), modules: Vec::new() };
        joined.add(entry, read, &mut BTreeSet::new())?;
        Ok(joined)
    }

    /// Each after those that it imports, as a browser runs them.
    fn add(
        &mut self,
        path: &str,
        read: &dyn Fn(&str) -> Option<String>,
        begun: &mut BTreeSet<String>,
    ) -> Result<(), JoinError> {
        if self.has(path) {
            return Ok(());
        }
        if !begun.insert(path.to_owned()) {
            return Err(JoinError::Circular { path: path.to_owned() });
        }
        let text = read(path).ok_or_else(|| JoinError::Missing { path: path.to_owned() })?;
        for statement in statements(&text) {
            if let Statement::Import { target, .. } = statement {
                self.add(&resolved(path, target), read, begun)?;
            }
        }
        self.modules.push(Module { path: path.to_owned(), text });
        Ok(())
    }

    fn has(&self, path: &str) -> bool {
        self.modules.iter().any(|module| module.path == path)
    }

    /// All of them as one module that exports the table.
    pub(super) fn script(&self) -> String {
        let room = self.modules.iter().map(|module| module.text.len()).sum();
        let mut out = String::with_capacity(room);
        out.push_str("export const $modules = {};\n");
        for module in &self.modules {
            self.block(&mut out, module);
        }
        out
    }

    fn block(&self, out: &mut String, Module { path, text }: &Module) {
        let mut exported = Vec::new();
        push(out, format_args!("// {path}\n{{\n"));
        for statement in statements(text) {
            match statement {
                Statement::Import { names, target, .. } => {
                    push(out, format_args!("{}\n", taken(&names, &resolved(path, target))));
                }
                Statement::Export { name, declaration } => {
                    exported.push(name);
                    self.code(out, path, declaration);
                }
                Statement::Other("") => {}
                Statement::Other(line) => self.code(out, path, line),
            }
        }
        push(out, format_args!("{TABLE}[\"{path}\"] = {{ {} }};\n}}\n", exported.join(", ")));
    }

    /// A line from `path` as a line of the entry: what it loads later has its address from there.
    fn code(&self, out: &mut String, path: &str, line: &str) {
        let mut parts = line.split("import(\"");
        out.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let (target, rest) = part.split_once('"').unwrap_or((part, ""));
            push(out, format_args!("import(\"{}\"{rest}", relative(&self.entry, &resolved(path, target))));
        }
        out.push('\n');
    }

    /// A module that is loaded later. Its lines keep their numbers, so that an error on the page tells its place in
    /// the source.
    pub(super) fn beside(&self, path: &str, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut shares = false;
        for statement in statements(text) {
            match statement {
                Statement::Import { names, target, lines } if self.has(&resolved(path, target)) => {
                    if !shares {
                        let entry = relative(path, &self.entry);
                        push(&mut out, format_args!("import {{ {TABLE} }} from \"{entry}\"; "));
                    }
                    shares = true;
                    out.push_str(&taken(&names, &resolved(path, target)));
                    out.push_str(&"\n".repeat(lines));
                }
                Statement::Import { names, target, lines } => {
                    push(&mut out, format_args!("import {names} from \"{target}\";{}", "\n".repeat(lines)));
                }
                Statement::Export { declaration, .. } => {
                    push(&mut out, format_args!("export {declaration}\n"));
                }
                Statement::Other(line) => push(&mut out, format_args!("{line}\n")),
            }
        }
        out
    }
}

enum Statement<'a> {
    /// `names` as they stand between `import` and `from`; `lines` that it took.
    Import {
        names: String,
        target: &'a str,
        lines: usize,
    },
    Export {
        name: &'a str,
        declaration: &'a str,
    },
    Other(&'a str),
}

fn statements(text: &str) -> impl Iterator<Item = Statement<'_>> {
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let line = lines.next()?;
        if let Some(declaration) = line.strip_prefix("export ") {
            return Some(Statement::Export { name: declared(declaration), declaration });
        }
        let Some(mut rest) = line.strip_prefix("import ") else { return Some(Statement::Other(line)) };
        let mut names = String::new();
        let mut taken = 1;
        loop {
            if let Some((before, target)) = rest.split_once("from \"") {
                names.push_str(before);
                let target = target.trim_end_matches(['"', ';']);
                return Some(Statement::Import { names: names.trim().to_owned(), target, lines: taken });
            }
            names.push_str(rest);
            names.push(' ');
            rest = lines.next()?;
            taken += 1;
        }
    })
}

/// The name that `class A {`, `const a = 1;` or `async function a() {` declares.
fn declared(declaration: &str) -> &str {
    let after = declaration.trim_start_matches("async ");
    let name = after.split_once(' ').map_or("", |(_, name)| name);
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
    name.get(..end).unwrap_or(name)
}

/// An import as a look into the table.
fn taken(names: &str, path: &str) -> String {
    let names = names.strip_prefix("* as ").map_or_else(|| names.replace(" as ", ": "), str::to_owned);
    format!("const {names} = {TABLE}[\"{path}\"];")
}

/// The path below the page that `target` means in the module at `path`.
fn resolved(path: &str, target: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// How the module at `from` says `path`.
fn relative(from: &str, path: &str) -> String {
    format!("./{}{path}", "../".repeat(from.matches('/').count()))
}

/// Writing to a String never fails.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCES: [(&str, &str); 4] = [
        ("main.js", "import { A } from \"./lib/a.js\";\nimport * as b from \"./lib/b.js\";\nnew A(b.one);"),
        (
            "lib/a.js",
            "import {\none,\ntwo as deux,\n} from \"./b.js\";\nexport class A {\nlater = () => import(\"../c.js\");\n}",
        ),
        ("lib/b.js", "export const one = 1;\nexport async function two() {}"),
        ("loop.js", "import { x } from \"./loop.js\";"),
    ];

    fn read(path: &str) -> Option<String> {
        SOURCES.iter().find(|(known, _)| *known == path).map(|(_, text)| (*text).to_owned())
    }

    fn joined() -> Joined {
        Joined::of("main.js", &read).expect("what is imported is there")
    }

    #[test]
    fn each_module_is_a_block_after_those_that_it_imports() {
        let expected = "export const $modules = {};\n\
            // lib/b.js\n{\nconst one = 1;\nasync function two() {}\n$modules[\"lib/b.js\"] = { one, two };\n}\n\
            // lib/a.js\n{\nconst { one, two: deux, } = $modules[\"lib/b.js\"];\n\
            class A {\nlater = () => import(\"./c.js\");\n}\n$modules[\"lib/a.js\"] = { A };\n}\n\
            // main.js\n{\nconst { A } = $modules[\"lib/a.js\"];\nconst b = $modules[\"lib/b.js\"];\n\
            new A(b.one);\n$modules[\"main.js\"] = {  };\n}\n";
        assert_eq!(joined().script(), expected);
    }

    #[test]
    fn what_is_loaded_later_shares_them_and_keeps_its_lines() {
        let check = |source: &str, sent: &str| assert_eq!(joined().beside("views/c.js", source), sent);
        check(
            "import {\nA,\n} from \"../lib/a.js\";\nimport { d } from \"./d.js\";\nexport const e = A;\n",
            "import { $modules } from \"./../main.js\"; const { A, } = $modules[\"lib/a.js\"];\n\n\n\
             import { d } from \"./d.js\";\nexport const e = A;\n",
        );
        check("let a;\n", "let a;\n");
    }

    #[test]
    fn a_mistake_in_the_sources_is_named() {
        let check = |entry: &str, word: &str| {
            let error = Joined::of(entry, &read).err().expect("a mistake").to_string();
            assert!(error.contains(word), "{error}");
        };
        check("nothing.js", "no module nothing.js");
        check("loop.js", "imports what imports it");
    }
}
