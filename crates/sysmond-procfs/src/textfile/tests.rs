use super::*;
use std::fs;
use tempfile::TempDir;

/// A folder and who reads it.
struct Bench {
    folder: TempDir,
    files: TextFiles,
}

impl Bench {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let bench = Self { files: TextFiles::new(folder.path().to_owned()), folder };
        for (name, text) in files {
            bench.write(name, text);
        }
        bench
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).expect("ours");
    }

    /// Series and values but the times of files, and what is wrong.
    fn read(&mut self) -> (Vec<String>, Option<String>) {
        let mut out = Values::default();
        let outcome = self.files.read(Duration::from_secs(1), &mut out);
        let cell = |(metric, tags, value): (&Metric, &str, f64)| format!("{}{{{tags}}} {value}", metric.name);
        let cells = out.iter().filter(|(metric, ..)| metric.name != TEXTFILE_MTIME_SECONDS.name).map(cell);
        let error = outcome.err().map(|error| {
            let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
            error.to_string().replace(&self.folder.path().display().to_string(), "")
                + &source.unwrap_or_default()
        });
        (cells.collect(), error)
    }
}

#[test]
fn a_bad_file_costs_its_own_samples_and_is_named() {
    let bad = "ok 1\nbroken {\n";
    let mut bench = Bench::new(&[
        ("a.prom", "a{x=\"1\"} 1\n"),
        ("b.prom", bad),
        ("c.prom", "c 3\nd NaN\n"),
        ("no.txt", "x 1\n"),
    ]);
    let (cells, error) = bench.read();
    assert_eq!(
        cells,
        [
            "textfile.up{file=a.prom} 1",
            "a{x=1} 1",
            "textfile.up{file=b.prom} 0",
            "textfile.up{file=c.prom} 1",
            "c{} 3"
        ]
    );
    assert_eq!(error.as_deref(), Some("/b.prom: line 2: labels without an end"));
    bench.write("a.prom", "a 1");
    assert_eq!(
        bench.read().1.as_deref(),
        Some(
            "/a.prom: line 1: the last line has no end: was the file written half?; \
             /b.prom: line 2: labels without an end"
        )
    );
    bench.write("a.prom", "a 7\n");
    fs::remove_file(bench.folder.path().join("b.prom")).expect("ours");
    let (cells, error) = bench.read();
    assert_eq!((cells[1].as_str(), cells.len(), error), ("a{} 7", 4, None));
}

#[test]
fn a_file_that_comes_by_rename_is_another_one() {
    let mut bench = Bench::new(&[("a.prom", "a 1\n"), ("a.tmp", "a 2\n")]);
    assert_eq!(bench.read().0[1], "a{} 1");
    // The same size and perhaps the same time: the inode tells.
    let path = |name| bench.folder.path().join(name);
    fs::rename(path("a.tmp"), path("a.prom")).expect("ours");
    assert_eq!(bench.read().0[1], "a{} 2");
}

#[test]
fn one_series_is_of_one_file() {
    let mut bench = Bench::new(&[("a.prom", "a 1\n"), ("b.prom", "b 1\na 2\n")]);
    let (cells, error) = bench.read();
    assert_eq!(cells, ["textfile.up{file=a.prom} 1", "a{} 1", "textfile.up{file=b.prom} 0"]);
    assert!(error.is_some_and(|error| error == "/b.prom: the series a{} is in another file, too"));
}

#[test]
fn the_agents_word_of_itself_and_of_the_host_is_not_for_files() {
    for name in [
        "sysmond_build_info",
        "node_textfile_scrape_error",
        "node_load1",
        "node_memory_MemFree_bytes",
        "node_netstat_Tcp_ActiveOpens",
        "node_network_mtu_bytes",
        "node_network_receive_fifo_total",
        "node_os_info",
    ] {
        let own = format!("# TYPE {name} gauge\na 1\n{name}{{x=\"1\"}} 0\n");
        let mut bench = Bench::new(&[("a.prom", &own), ("b.prom", "b 1\n")]);
        let (cells, error) = bench.read();
        assert_eq!(cells, ["textfile.up{file=a.prom} 0", "textfile.up{file=b.prom} 1", "b{} 1"]);
        let told = format!(
            "/a.prom: line 3: the name {name} is the agent's own: it shows this of the host, or of itself"
        );
        assert_eq!(error, Some(told));
        assert!(!exposed(&[("a.prom", &own)]).contains(&format!("\n{name}{{x")), "{name} is exposed");
    }
    // A word of documentation takes nobody's place.
    assert_eq!(Bench::new(&[("a.prom", "# HELP node_load1 x\nnode_reboot_required 1\n")]).read().1, None);
}

#[test]
fn what_is_no_plain_file_never_hangs() {
    let mut bench = Bench::new(&[("ok.prom", "a 1\n"), ("large.prom", &"# x\n".repeat(70_000))]);
    fs::create_dir(bench.folder.path().join("folder.prom")).expect("ours");
    let pipe = bench.folder.path().join("pipe.prom");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
        .expect("ours");
    std::os::unix::fs::symlink("nowhere", bench.folder.path().join("gone.prom")).expect("ours");
    let (cells, error) = bench.read();
    assert_eq!(cells.iter().filter(|cell| cell.ends_with(" 1")).count(), 2, "{cells:?}");
    assert_eq!(cells.iter().filter(|cell| cell.ends_with(" 0")).count(), 3, "{cells:?}");
    assert!(error.is_some_and(|error| error.contains("folder.prom") && error.contains("no plain file")));
}

#[test]
fn files_samples_and_names_have_an_end() {
    let many =
        |count: usize| -> String { (0..count).map(|n| format!("a{n} 1\n")).collect::<Vec<_>>().concat() };
    let labelled = |name: &str| many(900).replace('a', &format!("{name}{{n=\"")).replace(" 1", "\"} 1");
    let mut bench =
        Bench::new(&[("a.prom", &labelled("a")), ("b.prom", &labelled("b")), ("c.prom", &labelled("c"))]);
    let (cells, error) = bench.read();
    assert_eq!(cells.len(), 1800 + 3);
    assert_eq!(error.as_deref(), Some("/c.prom: more than 2000 samples in all files together"));
    let mut bench = Bench::new(&[]);
    for round in 0..5 {
        bench.write("a.prom", &many(400).replace('a', &format!("r{round}_")));
        assert_eq!(bench.read().0.len(), 401);
    }
    bench.write("a.prom", &many(400));
    let (cells, error) = bench.read();
    assert!(cells.len() == 1 && bench.files.names.len() <= MAX_NAMES, "{}", cells.len());
    assert!(error.is_some_and(|error| error.contains("/a.prom: more than 2000 names")));
    let mut bench = Bench::new(&[]);
    (0..MAX_FILES + 2).for_each(|n| bench.write(&format!("{n:03}.prom"), ""));
    let (cells, error) = bench.read();
    assert_eq!((cells.len(), error.as_deref()), (MAX_FILES, Some(": more than 30 files, 2 left out")));
    fs::remove_file(bench.folder.path().join("031.prom")).expect("ours");
    assert_eq!(bench.read().1.as_deref(), Some(": more than 30 files, 1 left out"));
}

#[test]
fn a_folder_that_is_missing_is_an_error_and_one_that_comes_is_read() {
    let mut bench = Bench::new(&[]);
    bench.files.folder = bench.folder.path().join("later");
    assert!(bench.read().1.is_some_and(|error| error.contains("cannot read /later")));
    fs::create_dir(&bench.files.folder).expect("ours");
    bench.write("later/a.prom", "a 1\n");
    assert_eq!(bench.read(), (vec!["textfile.up{file=a.prom} 1".to_owned(), "a{} 1".to_owned()], None));
}

fn exposed(files: &[(&str, &str)]) -> String {
    let mut bench = Bench::new(files);
    bench.read();
    let mut exposition = Exposition::default();
    bench.files.expose(&mut exposition).expect("readable");
    exposition.text()
}

#[test]
fn prometheus_sees_them_as_they_were_written() {
    let text = exposed(&[
        ("a.prom", "# HELP a_total How many.\n# TYPE a_total counter\na_total{x=\"1\"} 5\nc 1\n"),
        ("b.prom", "b\n"),
    ]);
    for line in [
        "# HELP a_total How many.\n# TYPE a_total counter\na_total{x=\"1\"} 5\n",
        "# HELP c A metric of a script on this host.\n",
        "node_textfile_scrape_error 1\n",
        "node_textfile_mtime_seconds{file=\"a.prom\"} ",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn whatever_is_left_out_is_an_error_of_the_scrape() {
    let check = |files: &[(&str, &str)], expected: u8| {
        let text = exposed(files);
        assert!(text.contains(&format!("\nnode_textfile_scrape_error {expected}\n")), "{text}");
    };
    check(&[], 0);
    check(&[("a.prom", "a 1\n")], 0);
    check(&[("a.prom", "a 1\n"), ("b.prom", "a 2\n")], 1);
    check(&[("a.prom", "a{__name__=\"cpu\"} 1\n")], 1);
    let names: Vec<_> = (0..=MAX_FILES).map(|n| format!("{n}.prom")).collect();
    check(&names.iter().map(|name| (name.as_str(), "")).collect::<Vec<_>>(), 1);
}

#[test]
fn a_folder_that_is_gone_takes_its_samples_with_it() {
    let mut bench = Bench::new(&[("a.prom", "a 1\n")]);
    bench.read();
    fs::rename(bench.folder.path(), bench.folder.path().with_extension("gone")).expect("ours");
    let (cells, error) = bench.read();
    assert!(cells.is_empty() && error.is_some(), "{cells:?}");
    let mut exposition = Exposition::default();
    bench.files.expose(&mut exposition).expect("readable");
    assert!(exposition.text().ends_with("node_textfile_scrape_error 1\n"), "{}", exposition.text());
    fs::rename(bench.folder.path().with_extension("gone"), bench.folder.path()).expect("ours");
    assert_eq!(bench.read().0, ["textfile.up{file=a.prom} 1", "a{} 1"]);
}
