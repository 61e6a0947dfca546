//! A command line that may be shown: what looks like a secret in it is masked.

use crate::table::printable;

/// A command line is kept up to here: it says what runs, not with which hundred files.
const MAX_BYTES: usize = 256;
const MASK: &str = "***";

/// An argument with one of these in its name has a secret for a value.
const SECRET: [&str; 11] = [
    "pass",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api-key",
    "api_key",
    "private",
    "credential",
    "authorization",
    "cookie",
];
/// Programs that take a password right behind `-p`, without a space.
const WITH_SHORT_PASSWORD: [&str; 5] = ["mysql", "mysqldump", "mysqladmin", "mariadb", "sshpass"];

/// Programs that take one in the next argument, and behind which flag.
const NEXT_IS_SECRET: [(&str, &str); 8] = [
    ("mysql", "-p"),
    ("sshpass", "-p"),
    ("curl", "-u"),
    ("curl", "--user"),
    ("curl", "--proxy-user"),
    ("redis-cli", "-a"),
    ("ldapsearch", "-w"),
    ("ldapmodify", "-w"),
];
/// What stands between the name of a header and its secret, in arguments of their own.
const SCHEMES: [&str; 5] = ["Bearer", "Basic", "Digest", "Token", "Negotiate"];

/// The arguments of `/proc/PID/cmdline`, each ended by a NUL, as one line.
pub(crate) fn line(text: &[u8]) -> Option<String> {
    let mut out = String::new();
    let (mut program, mut value_is_secret) = (String::new(), false);
    for (index, argument) in text.strip_suffix(b"\0").unwrap_or(text).split(|byte| *byte == 0).enumerate() {
        let argument = printable(argument);
        if index == 0 {
            argument.rsplit('/').next().unwrap_or_default().clone_into(&mut program);
        } else {
            out.push(' ');
        }
        if std::mem::take(&mut value_is_secret) && !argument.starts_with("--") {
            value_is_secret = SCHEMES.iter().any(|scheme| argument.eq_ignore_ascii_case(scheme));
            out.push_str(MASK);
        } else {
            value_is_secret =
                names_a_secret(&argument) || NEXT_IS_SECRET.contains(&(program.as_str(), &argument));
            out.push_str(&masked(&argument, &program));
        }
        if out.len() > MAX_BYTES {
            break;
        }
    }
    let end = (0..=MAX_BYTES.min(out.len())).rev().find(|end| out.is_char_boundary(*end)).unwrap_or(0);
    if end < out.len() {
        out.truncate(end);
        out.push('…');
    }
    (!out.trim().is_empty()).then_some(out)
}

/// `--password`, `-token`, `Authorization:`: the next argument is what must not be shown.
fn names_a_secret(argument: &str) -> bool {
    let is_whole = !argument.trim_end_matches(['=', ':']).contains(['=', ':']);
    is_whole && (argument.starts_with('-') || argument.ends_with(['=', ':'])) && has_secret_word(argument)
}

fn has_secret_word(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    SECRET.iter().any(|word| lower.contains(word))
}

fn masked(argument: &str, program: &str) -> String {
    if WITH_SHORT_PASSWORD.contains(&program) && argument.starts_with("-p") && argument.len() > 2 {
        return format!("-p{MASK}");
    }
    if program == "curl" && argument.starts_with("-u") && argument.len() > 2 {
        return format!("-u{MASK}");
    }
    // `--password=x`, `PGPASSWORD=x`, `Authorization: Bearer x`.
    if let Some(place) = argument.find(['=', ':'])
        && let Some((name, rest)) = argument.split_at_checked(place)
        && has_secret_word(name)
    {
        return format!("{name}{}{MASK}", rest.get(..1).unwrap_or_default());
    }
    address(argument)
}

/// The password of `scheme://user:password@host`, and secrets in what follows `?`.
fn address(argument: &str) -> String {
    let Some((scheme, rest)) = argument.split_once("://") else { return argument.to_owned() };
    let (authority, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len())).unwrap_or((rest, ""));
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) if user.contains(':') => {
            format!("{}:{MASK}@{host}", user.split(':').next().unwrap_or_default())
        }
        // A token alone can stand there, too.
        Some((_, host)) => format!("{MASK}@{host}"),
        None => authority.to_owned(),
    };
    let path = match path.split_once('?') {
        Some((path, query)) if has_secret_word(query) => format!("{path}?{MASK}"),
        _ => path.to_owned(),
    };
    format!("{scheme}://{authority}{path}")
}

#[cfg(test)]
mod tests {
    /// Command lines, a space between two arguments; `qz` is in every secret.
    const SHAPES: [&str; 38] = [
        "app --password=qz1",
        "app --password qz1",
        "app -password qz1",
        "app --db-password=qz1 --verbose",
        "app --PASSWORD=qz1",
        "app --passwd qz1",
        "app --pass:qz1",
        "app --token=qz1",
        "app token=qz1",
        "app --api-key qz1",
        "app --api_key=qz1",
        "app apikey:qz1",
        "app --client-secret=qz1",
        "app SECRET_KEY=qz1",
        "env AWS_SECRET_ACCESS_KEY=qz1 app",
        "env PGPASSWORD=qz1 psql",
        "mysql -pqz1 -u root",
        "/usr/bin/mysqldump -pqz1",
        "sshpass -pqz1 ssh host",
        "sshpass -p qz1 ssh host",
        "mysql -u root -p qz1",
        "curl -u user:qz1 http://host/",
        "curl --user user:qz1 http://host/",
        "curl http://user:qz1@host/path",
        "curl https://qz1@host/path",
        "app postgres://user:qz1@host:5432/db?sslmode=require",
        "app --url=postgres://user:qz1@host/db",
        "curl https://host/path?access_token=qz1",
        "curl -H Authorization:qz1",
        "curl -H Authorization: qz1",
        "curl -H Authorization: Bearer qz1",
        "curl -H X-Api-Key: qz1",
        "curl -H Cookie:a=qz1",
        "app --private-key=qz1",
        "app --credentials qz1",
        "redis-cli -a qz1",
        "curl -uuser:qz1 host",
        "curl -H Authorization: Basic qz1",
    ];

    #[test]
    fn no_shape_of_a_secret_is_shown() {
        for shape in SHAPES {
            // As arguments of their own, and a header as one argument, as shells make of quotes.
            let apart = shape.replace(' ', "\0") + "\0";
            let quoted = shape.replace(": ", ":\u{1}").replace(' ', "\0").replace('\u{1}', " ") + "\0";
            for text in [apart, quoted.replace("Bearer\0", "Bearer ").replace("Basic\0", "Basic ")] {
                let line = line(text.as_bytes()).unwrap();
                assert!(!line.contains("qz") && line.contains("***"), "{shape}: {line}");
            }
        }
    }

    use super::*;
    use proptest::prelude::*;

    fn check(arguments: &str, expected: &str) {
        let text = arguments.replace(' ', "\0") + "\0";
        assert_eq!(line(text.as_bytes()).as_deref(), Some(expected));
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        check("/usr/sbin/nginx -g daemon", "/usr/sbin/nginx -g daemon");
        check("postgres: checkpointer", "postgres: checkpointer");
        check("ssh -p 22 host", "ssh -p 22 host");
        check("curl http://host/path?q=1", "curl http://host/path?q=1");
    }

    #[test]
    fn secrets_are_masked() {
        check("app --password=hunter2 -v", "app --password=*** -v");
        check("app --db-password hunter2 -v", "app --db-password *** -v");
        check("app --token abc --verbose", "app --token *** --verbose");
        check("app --ask-password --verbose", "app --ask-password --verbose");
        check("env PGPASSWORD=hunter2 psql", "env PGPASSWORD=*** psql");
        check("/usr/bin/mysql -phunter2 -u root", "/usr/bin/mysql -p*** -u root");
        check("git clone https://me:hunter2@host/x", "git clone https://me:***@host/x");
        check("git clone https://hunter2@host/x", "git clone https://***@host/x");
        check("curl https://host/x?token=hunter2", "curl https://host/x?***");
        assert_eq!(line(b"curl\0-H\0Authorization: Bearer hunter2\0").unwrap(), "curl -H Authorization:***");
    }

    #[test]
    fn a_line_has_an_end_and_nothing_that_turns_a_terminal() {
        assert_eq!(line(b""), None);
        assert_eq!(line(b"\0\0"), None);
        assert_eq!(line(b"a\x1b[31m\0b\xff").unwrap(), "a\u{fffd}[31m b\u{fffd}");
        let long = line(&b"\xc3\xa9".repeat(1000)).unwrap();
        assert!(long.ends_with("é…") && long.len() <= MAX_BYTES + 3, "{}", long.len());
    }

    proptest! {
        #[test]
        fn no_value_of_a_secret_is_shown(
            before in "[a-z]{1,8}", name in "(--|-|)[A-Z_]{0,3}(password|SECRET|Token|api-key)", value in "[qQ][0-9]{6,12}",
        ) {
            let text = format!("{before}\0{name}={value}\0x\0--password\0{value}\0");
            let line = line(text.as_bytes()).unwrap();
            prop_assert!(!line.contains(&value), "{line}");
        }
    }
}
