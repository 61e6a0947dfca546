use super::super::secrets::{SECRET, SECRET_WITH_VALUE};
use super::*;
use proptest::prelude::*;

/// Command lines, a space between two arguments and `~` for one within an argument; `qz` is in every secret.
const SHAPES: [&str; 116] = [
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
    // Behind the first sign of an argument.
    "psql host=db~user=app~password=qz1~dbname=x",
    "psql host=db~password='qz1~qz2'~dbname=x",
    "curl -d user=bob&password=qz1 https://host/login",
    "curl -d user=bob&password=qz1~qz2,qz3&x=1",
    "curl -d {\"user\":\"bob\",\"password\":\"qz1\"} https://host/login",
    "curl -d {~\"password\"~:~\"qz1,~qz2\"~}",
    "curl -d {\\\"password\\\":\\\"qz1\\\"}",
    "curl -d user[password]=qz1",
    "curl -d user%3Db%26password%3Dqz1",
    "mount.cifs //h/s /mnt -o username=u,password=qz1",
    "mount.cifs //h/s /mnt -o username=u,password=qz,1qz",
    "app --env A=1,DB_PASSWORD=qz1",
    "java -Durl=jdbc:sqlserver://h;user=a;password=qz1 -jar x",
    "java -Dpassword=qz1",
    "git -c http.extraheader=AUTHORIZATION:~basic~qz1 fetch",
    "wget --header=X-Auth:~qz1 http://h",
    "curl -HAuthorization:~Bearer~qz1 http://h",
    "curl -b session=qz1 http://h",
    "curl https://host?token=qz1",
    "curl https://host/?a=b&X-Amz-Signature=qz1",
    "curl https://host/?key=qz1",
    "app https://h/cb#access_token=qz1",
    // Lines of a shell.
    "bash -c export~A=1;~DB_PASSWORD=qz1~app",
    "sh -c cd~/x;~PGPASSWORD=qz1~pg_dump",
    "sh -c mysqldump~-pqz1~shop~>~/b.sql",
    "sh -c mysqldump~-p'qz1~qz2'~shop",
    "sh -c mysql~'-pqz1'",
    "sh -c (sshpass~-p~qz1~ssh~h)",
    "bash -c app&&curl~-u~a:qz1~h",
    "bash -c app\u{1}curl~--token~qz1",
    "sh -c app~--password qz1",
    // Other programs come first.
    "sudo mysql -u root -pqz1",
    "docker exec db mysqldump -pqz1 shop",
    "timeout 60 sshpass -p qz1 ssh h",
    "nice -n 5 redis-cli -a qz1",
    "sudo -u ldap ldapsearch -w qz1",
    // Flags of one letter.
    "mysql -ppassqz1",
    "mysql -p123qz",
    "mariadb-dump -pqz1 shop",
    "mysqlcheck -pqz1 shop",
    "mongodump -u u -p qz1",
    "7z x -pqz1 a.7z",
    "unzip -P qz1 a.zip",
    "unzip -Pqz1 a.zip",
    "ipmitool -U a -P qz1 power",
    "smbclient //h/s -U user%qz1",
    "smbclient //h/s -Uuser%qz1",
    "snmpwalk -v2c -c qz1 h",
    "ldapadd -x -w qz1",
    "ldapsearch -wqz1",
    "ldapsearch -xw qz1",
    "curl -su u:qz1 http://h",
    "curl -sSu u:qz1 http://h",
    "curl -bqz1 http://h",
    "lftp -u u,qz1 h",
    "openssl enc -k qz1",
    "openssl rsa -passin pass:qz1",
    "xfreerdp /u:a /p:qz1",
    // Names that were not known.
    "tailscale up --authkey=tskey-qz1",
    "app --auth=user:qz1",
    "app --authorization qz1",
    "app --access-key qz1",
    "curl --oauth2-bearer qz1 https://h/",
    "gpg --passphrase qz1",
    "redis-cli --pass qz1",
    "redis-cli -u redis://:qz1@h:6379",
    // Without a flag.
    "aws configure set aws_secret_access_key qz1",
    "app set-password bob qz1",
    "htpasswd -b f u qz1",
    "app -H Authorization Bearer~qz1",
    // Addresses.
    "app postgres://u:qz/1@h/db",
    "app postgres://u:qz?1#qz@h/db",
    "app --dsn u:qz1@tcp(h:3306)/db",
    "rsync --password-file=/etc/x rsync://u:qz1@h/m",
    // A title in the place of all arguments, and values like flags.
    "app~--password~qz1",
    "chrome~--type=renderer~--token=qz1~--x",
    "app --password --qz1",
    "app --ask-password --token qz1",
];

#[test]
fn no_shape_of_a_secret_is_shown() {
    for shape in SHAPES {
        // As arguments of their own, and a header as one argument, as shells make of quotes.
        let apart = shape.replace(' ', "\0").replace('~', " ") + "\0";
        let quoted = apart.replace(":\0", ": ");
        for text in [&apart, &quoted, &quoted.replace("Bearer\0", "Bearer ").replace("Basic\0", "Basic ")] {
            let line = line(text.as_bytes()).unwrap();
            assert!(!line.contains("qz") && line.contains("***"), "{shape}: {line}");
        }
    }
}

fn check(arguments: &str, expected: &str) {
    let text = arguments.replace(' ', "\0").replace('~', " ") + "\0";
    assert_eq!(line(text.as_bytes()).as_deref(), Some(expected));
}

#[test]
fn what_is_no_secret_is_shown() {
    for plain in [
        "/usr/sbin/nginx -g daemon",
        "nginx: worker process",
        "postgres: checkpointer",
        "postgres: app shop 10.0.0.7(51234) idle",
        "sshd: user@pts/0",
        "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups",
        "ssh -p 22 user@host",
        "docker run -u 1000:1000 -p 127.0.0.1:8080:80/tcp image",
        "curl http://host/path?q=1",
        "make -j8 -p8080",
        "git clone git@github.com:a/b",
        "dbus-daemon --session --address=systemd: --nofork",
        "app --author me --port 80",
        "java -cp /a:/b -XX:+UseG1GC com.example.auth.Server",
        "firefox -contentproc -parentBuildID 20240101 -prefsLen 1",
        "sudo -u postgres psql",
        "/usr/lib/systemd/systemd --user",
        "mysql -P 3306 -h db",
    ] {
        check(plain, plain);
        // And as a title.
        assert_eq!(line(plain.as_bytes()).as_deref(), Some(plain));
    }
}

#[test]
fn secrets_are_masked_and_the_rest_is_shown() {
    check("app --password=hunter2 -v", "app --password=*** -v");
    check("app --db-password hunter2 -v", "app --db-password *** -v");
    check("app --token abc --verbose", "app --token *** --verbose");
    check("env PGPASSWORD=hunter2 psql", "env PGPASSWORD=*** psql");
    check("/usr/bin/mysql -phunter2 -u root", "/usr/bin/mysql -p*** -u root");
    check("git clone https://me:hunter2@host/x", "git clone https://me:***@host/x");
    check("git clone https://hunter2@host/x", "git clone https://***@host/x");
    check("curl https://host/x?a=1&token=hunter2", "curl https://host/x?a=1&token=***");
    check("curl -H Authorization:~Bearer~hunter2 host", "curl -H Authorization:*** host");
    check("psql host=db~password=hunter2~dbname=x -v", "psql host=db password=*** -v");
    check("curl -d {\"a\":1,\"password\":\"hunter2\"} host", "curl -d {\"a\":1,\"password\":*** host");
    check("sudo -u root curl -u me:hunter2 host", "sudo -u root curl -u *** host");
    check("app set-password bob hunter2 --now", "app set-password *** *** --now");
    check("app --dsn u:hunter2@tcp(h)/db -v", "app --dsn u:***@tcp(h)/db -v");
    check("htpasswd -b f u hunter2", "htpasswd *** *** *** ***");
}

#[test]
fn a_line_has_an_end_and_nothing_that_turns_a_terminal() {
    assert_eq!(line(b""), None);
    assert_eq!(line(b"\0\0"), None);
    assert_eq!(line(b"a\x1b[31m\0b\xff").unwrap(), "a\u{fffd}[31m b\u{fffd}");
    let long = line(&b"\xc3\xa9".repeat(1000)).unwrap();
    assert!(long.ends_with("é…") && long.len() <= MAX_BYTES + 3, "{}", long.len());
}

/// What may stand before a secret, in arguments and within one.
fn before() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[a-z]{1,8}",
        "-[a-zA-Z]{1,3}",
        "--[a-z]{1,8}(=[a-z0-9,]{0,6})?",
        "[a-z]{1,4}[:=][a-z0-9]{0,4}",
        "[,;&?#{}\"'@:=/%]{1,3}",
        "https?://[a-z:@/]{0,12}",
    ];
    proptest::collection::vec(word, 0..5).prop_map(|words| words.join("\0"))
}

fn name() -> impl Strategy<Value = String> {
    let names: Vec<&str> =
        SECRET.into_iter().chain(["auth", "Authorization", "PASSWORD", "dbPassWord"]).collect();
    ("(--|-|)[A-Z_]{0,3}", prop::sample::select(names)).prop_map(|(before, name)| format!("{before}{name}"))
}

proptest! {
    #[test]
    fn no_value_behind_the_name_of_a_secret_is_shown(
        before in before(), glue in "[ ,;&?#{\"\0]", name in name(), sign in "( ?= ?|: ?|\" ?: ?\"|%3D|']=)",
        // With whatever else may be in it, but the mark in each part.
        value in "([\\PC&&[^ж]]{0,4}ж[0-9]{1,3}){1,3}", after in before(),
    ) {
        let text = format!("{before}{glue}{name}{sign}{value}\0{after}\0");
        let line = line(text.as_bytes()).unwrap();
        prop_assert!(!line.contains('ж'), "{text:?}: {line}");
    }

    #[test]
    fn no_argument_behind_the_flag_of_a_secret_is_shown(
        before in before(), glue in "[ ;\0]", dashes in "--?", name in prop::sample::select(SECRET.to_vec()),
        value in "([\\PC&&[^ж]]{0,4}ж[0-9]{1,3}){1,3}",
    ) {
        let text = format!("{before}\0x{glue}{dashes}{name}\0{value}\0");
        let line = line(text.as_bytes()).unwrap();
        prop_assert!(!line.contains('ж'), "{text:?}: {line}");
    }

    #[test]
    fn no_value_of_a_short_name_is_shown(
        name in prop::sample::select(SECRET_WITH_VALUE.to_vec()), value in "ж[0-9]{6,12}",
    ) {
        let line = line(format!("app\0--{name}={value}\0x?{name}={value}\0").as_bytes()).unwrap();
        prop_assert!(!line.contains('ж'), "{line}");
    }
}
