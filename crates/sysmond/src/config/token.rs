//! The token that agents show: given, or made at the first start. There is no default secret.

use super::Token;
use super::environment::{CREDENTIALS_DIRECTORY, Environment};
use super::given::{Given, Origin};
use super::keys;
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Shorter ones can be guessed.
pub const MIN_TOKEN_CHARS: usize = 16;
/// Longer ones fit in no sensible header.
pub const MAX_TOKEN_CHARS: usize = 512;
/// Random bytes of a token that is made here.
const RANDOM_BYTES: usize = 32;
/// The secret that is printed in the documentation, and so in nobody's keeping.
const DOCUMENTED: &str = "sysmon-secret-token";

/// Why there is no token to use. Never shows one.
#[derive(Debug, Error)]
pub enum TokenError {
    /// The one of the documentation.
    #[error("the token from {0} is the one printed in the documentation, which everybody knows: {ADVICE}")]
    Documented(String),
    /// Too short to be secret.
    #[error("the token from {0} has less than {MIN_TOKEN_CHARS} characters and can be guessed: {ADVICE}")]
    TooShort(String),
    /// Nothing that fits in a header.
    #[error(
        "the token from {0} has more than {MAX_TOKEN_CHARS} characters, or blanks or others than printable ASCII: {ADVICE}"
    )]
    Unfit(String),
    /// Others may read or change it.
    #[error(
        "others on this machine may read or change the token file {} (mode {mode:03o}): `chmod 600` it, and change the token if it was open for long",
        path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file cannot be read or made.
    #[error("cannot {attempt} the token file {}: {reason}; name another with --token-file", path.display())]
    Io {
        /// `read` or `make`.
        attempt: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: io::Error,
    },
    /// An agent has none, and must not make up one.
    #[error(
        "there is no token: copy the aggregator's, which it keeps in its data folder (~/.sysmon/token unless --data-dir says otherwise), to this host and name the file with --token-file, or put the token in {}",
        keys::TOKEN_ENV
    )]
    None,
    /// The system gave no random bytes.
    #[error("cannot make a token: the system gives no random bytes: {0}")]
    Random(String),
}

const ADVICE: &str = "make one with `head -c 32 /dev/urandom | sha256sum | cut -c1-64`, or give none and the aggregator makes its own";

/// Where the token comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// `SYSMON_TOKEN`.
    Environment,
    /// A file that was named, and by whom.
    File(PathBuf, Origin),
    /// The secret `token` among those that the service manager gave to this service.
    Credential(PathBuf),
    /// `DATA_DIR/token`.
    DataDir(PathBuf),
}

/// The name of the token among a service's credentials: `LoadCredential=token:FILE`.
const CREDENTIAL: &str = "token";

impl std::fmt::Display for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Environment => write!(f, "environment {}", keys::TOKEN_ENV),
            Self::File(path, origin) => write!(f, "{} ({origin})", path.display()),
            Self::Credential(path) => {
                write!(f, "{} (environment {CREDENTIALS_DIRECTORY})", path.display())
            }
            Self::DataDir(path) => write!(f, "{}", path.display()),
        }
    }
}

impl TokenSource {
    /// Which source counts: the flag, then both variables (the token's own first), then the file's key, then
    /// a service's credential, then the data folder.
    pub fn choose(given: &Given, file: Option<PathBuf>, environment: &Environment, data_dir: &Path) -> Self {
        let by_flag =
            given.get(&keys::TOKEN_FILE).is_some_and(|typed| matches!(typed.origin, Origin::Flag(_)));
        if !by_flag && environment.text(keys::TOKEN_ENV).is_some() {
            return Self::Environment;
        }
        if let (Some(path), Some(typed)) = (file, given.get(&keys::TOKEN_FILE)) {
            return Self::File(path, typed.origin.clone());
        }
        let credential = environment.path(CREDENTIALS_DIRECTORY).map(|folder| folder.join(CREDENTIAL));
        let credential = credential.filter(|path| path.exists());
        credential.map_or_else(|| Self::DataDir(data_dir.join("token")), Self::Credential)
    }

    /// The token; `None` where it would have to be made.
    pub fn read(&self, environment: &Environment) -> Result<Option<Token>, TokenError> {
        match self {
            Self::Environment => {
                let text = environment.text(keys::TOKEN_ENV).unwrap_or_default();
                checked(&text, &self.to_string()).map(Some)
            }
            // Secrets that a container gets are links: one that the user named is followed.
            Self::File(path, _) | Self::Credential(path) => read_file(path, 0).map(Some),
            Self::DataDir(path) => match read_file(path, no_follow()) {
                Err(TokenError::Io { reason, .. }) if reason.kind() == io::ErrorKind::NotFound => Ok(None),
                other => other.map(Some),
            },
        }
    }

    /// The token for an aggregator: made at the first start where none is given.
    pub fn read_or_make(&self, environment: &Environment) -> Result<Token, TokenError> {
        match (self.read(environment)?, self) {
            (Some(token), _) => Ok(token),
            (None, Self::DataDir(path)) => make(path),
            (None, _) => Err(TokenError::None),
        }
    }

    /// The token for an agent: it must have been given.
    pub fn read_or_fail(&self, environment: &Environment) -> Result<Token, TokenError> {
        self.read(environment)?.ok_or(TokenError::None)
    }
}

/// Takes `text` for a token where it is fit to be one; `from` says where it was found.
fn checked(text: &str, from: &str) -> Result<Token, TokenError> {
    let text = text.trim();
    if text == DOCUMENTED {
        return Err(TokenError::Documented(from.to_owned()));
    }
    if text.chars().count() < MIN_TOKEN_CHARS {
        return Err(TokenError::TooShort(from.to_owned()));
    }
    if text.len() > MAX_TOKEN_CHARS || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(TokenError::Unfit(from.to_owned()));
    }
    Ok(Token::new(text.to_owned()))
}

fn no_follow() -> i32 {
    rustix::fs::OFlags::NOFOLLOW.bits().cast_signed()
}

fn read_file(path: &Path, flags: i32) -> Result<Token, TokenError> {
    let failed = |reason| TokenError::Io { attempt: "read", path: path.into(), reason };
    let file = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.mode() & 0o777;
    // A group may read: packages give a secret to root and let the service's group in. Nobody else may.
    if mode & 0o027 != 0 {
        return Err(TokenError::Open { path: path.into(), mode });
    }
    let mut text = String::new();
    file.take(4096).read_to_string(&mut text).map_err(failed)?;
    checked(&text, &path.display().to_string())
}

/// Makes a token at `path`, whole or not at all; where another process was first, its token counts.
fn make(path: &Path) -> Result<Token, TokenError> {
    let mut random = [0; RANDOM_BYTES];
    getrandom::fill(&mut random).map_err(|error| TokenError::Random(error.to_string()))?;
    let text = hex(&random);
    let failed = |reason| TokenError::Io { attempt: "make", path: path.into(), reason };
    match place(path, &format!("{text}\n")) {
        Ok(()) => Ok(Token::new(text)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read_file(path, no_follow()),
        Err(error) => Err(failed(error)),
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).expect("four bits are one digit");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Writes beside `path` and links it there: the name appears with the whole content, and never replaces
/// another file.
fn place(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let written = write_new(&beside, text).and_then(|()| std::fs::hard_link(&beside, path));
    let removed = std::fs::remove_file(&beside);
    written.and(removed)?;
    path.parent().map_or(Ok(()), |folder| std::fs::File::open(folder)?.sync_all())
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(no_follow())
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    const GOOD: &str = "0123456789abcdef";

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("token");
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).expect("it is ours");
        (folder, path)
    }

    #[test]
    fn weak_tokens_are_refused_without_being_shown() {
        let check = |text: &str, expected: Option<&str>| {
            let found = checked(text, "there").err().map(|error| error.to_string());
            assert_eq!(found.is_some(), expected.is_some(), "{text}: {found:?}");
            assert!(found.as_deref().unwrap_or_default().contains(expected.unwrap_or_default()), "{found:?}");
            assert!(!found.unwrap_or_default().contains(text) || text.is_empty());
        };
        check(GOOD, None);
        check("  0123456789abcdef\n", None);
        check("", Some("less than 16"));
        check("0123456789abcde", Some("less than 16"));
        check("sysmon-secret-token", Some("documentation"));
        check("0123456789 abcdef", Some("blanks"));
        check("0123456789äbcdef-", Some("blanks"));
        check(&"x".repeat(513), Some("more than 512"));
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let check = |mode, ok: bool| {
            let (_folder, path) = file(GOOD, mode);
            assert_eq!(TokenSource::DataDir(path).read(&Environment::default()).is_ok(), ok, "{mode:o}");
        };
        check(0o600, true);
        check(0o400, true);
        check(0o640, true);
        check(0o644, false);
        check(0o660, false);
        check(0o604, false);
        check(0o602, false);
    }

    #[test]
    fn the_first_start_makes_one_and_the_second_keeps_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let source = TokenSource::DataDir(folder.path().join("token"));
        let environment = Environment::default();
        assert!(matches!(source.read_or_fail(&environment), Err(TokenError::None)));
        let first = source.read_or_make(&environment).expect("one is made");
        assert_eq!(first.reveal().len(), 64);
        assert_eq!(source.read_or_make(&environment).expect("it is there").reveal(), first.reveal());
        let mode = std::fs::metadata(folder.path().join("token")).expect("it is there").mode() & 0o777;
        assert_eq!(mode, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).expect("ours").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn two_first_starts_agree() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("token");
        place(&path, GOOD).expect("nobody was first");
        assert_eq!(make(&path).expect("the other's counts").reveal(), GOOD);
    }

    #[test]
    fn a_link_in_the_data_folder_is_not_followed_but_a_named_one_is() {
        let (folder, path) = file(GOOD, 0o600);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        let environment = Environment::default();
        assert!(TokenSource::DataDir(link.clone()).read_or_make(&environment).is_err());
        assert!(TokenSource::File(link, Origin::Default).read(&environment).is_ok());
    }

    #[test]
    fn the_flag_beats_the_variable_which_beats_the_file() {
        let check = |flag: bool, variable: bool, expected: &str| {
            let named = || vec!["/f".to_owned()];
            let flags = if flag { vec![(&keys::TOKEN_FILE, named())] } else { Vec::new() };
            let environment = Environment::of(variable.then_some((keys::TOKEN_ENV, GOOD)));
            let line = Origin::File { path: Path::new("c").into(), line: 2 };
            let in_file =
                vec![(&keys::TOKEN_FILE, super::super::given::Typed { texts: named(), origin: line })];
            let given = Given::layer(flags, &environment, in_file);
            let source = TokenSource::choose(&given, Some("/f".into()), &environment, Path::new("/d"));
            assert_eq!(source.to_string(), expected);
        };
        check(true, true, "/f (flag --token-file)");
        check(false, true, "environment SYSMON_TOKEN");
        check(false, false, "/f (c:2)");
        let nothing = TokenSource::choose(&Given::default(), None, &Environment::default(), Path::new("/d"));
        assert_eq!(nothing.to_string(), "/d/token");
    }

    #[test]
    fn a_service_s_credential_beats_the_data_folder_alone() {
        let (folder, path) = file(GOOD, 0o440);
        let directory = folder.path().display().to_string();
        let check = |variables: &[(&str, &str)], expected: &str| {
            let environment = Environment::of(variables.iter().copied());
            let source = TokenSource::choose(&Given::default(), None, &environment, Path::new("/d"));
            assert_eq!(source.to_string(), expected);
            source
        };
        let given = (CREDENTIALS_DIRECTORY, directory.as_str());
        let from = format!("{} (environment {CREDENTIALS_DIRECTORY})", path.display());
        let source = check(&[given], &from);
        let token = source.read_or_fail(&Environment::default()).expect("it is given");
        assert_eq!(token.reveal(), GOOD);
        check(&[given, (keys::TOKEN_ENV, GOOD)], "environment SYSMON_TOKEN");
        check(&[(CREDENTIALS_DIRECTORY, "/no/such")], "/d/token");
    }
}
