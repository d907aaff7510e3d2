//! Whatever lies at the path: it is opened whole, or explained and left exactly as it was.

use crate::making::{fresh, run};
use contract::{Failure, Platform};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use store::{Store, StoreError};
use tempfile::TempDir;

/// A closed store with one result.
fn closed() -> (TempDir, PathBuf) {
    let (folder, store) = fresh();
    store.insert_run(&run(1, "bert", Platform::Cpu, 1.0)).unwrap();
    let path = store.path().to_owned();
    drop(store);
    (folder, path)
}

/// Everything in the folder, to see that nothing changed.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

/// Opens for writing and for reading; both must refuse, say `words`, and change nothing.
fn refused(path: &Path, words: &str) {
    let before = contents(path.parent().unwrap());
    for open in [Store::open, Store::open_read_only] {
        let error = open(path).err().unwrap_or_else(|| panic!("opened a file that should be refused: {words}"));
        let text = Failure::from(error).to_string();
        assert!(text.contains(words), "{text:?} should say {words:?}");
        assert!(text.contains(&path.display().to_string()), "{text:?} should name the file");
    }
    assert!(contents(path.parent().unwrap()) == before, "a refused file was changed");
}

#[test]
fn a_new_store_is_made_with_its_folder() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a/b/assay.duckdb");
    let store = Store::open(&path).unwrap();
    assert_eq!(store.count().unwrap(), 0);
    assert!(store.size_bytes() > 0 && store.notices().is_empty());
}

#[test]
fn a_closed_store_opens_with_what_it_had() {
    let (_folder, path) = closed();
    assert_eq!(Store::open(&path).unwrap().count().unwrap(), 1);
    let reading = Store::open_read_only(&path).unwrap();
    assert_eq!(reading.count().unwrap(), 1);
    let error = reading.insert_run(&run(2, "bert", Platform::Cpu, 1.0)).unwrap_err();
    assert!(error.to_string().contains("reading only"));
}

#[test]
fn foreign_files_are_explained() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("assay.duckdb");
    let mut sqlite = b"SQLite format 3\0".to_vec();
    sqlite.resize(8192, 1);
    let noise: Vec<u8> = (0..50_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for (bytes, words) in [
        (sqlite, "SQLite"),
        (noise, "not a DuckDB file"),
        (Vec::new(), "empty"),
        (vec![0; 20_000], "all zeros"),
        (b"PAR1 and more".to_vec(), "Parquet table"),
        (b"model,hardware\n".to_vec(), "not a DuckDB file"),
    ] {
        fs::write(&path, bytes).unwrap();
        refused(&path, words);
    }
}

#[test]
fn a_folder_is_not_a_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("assay.duckdb");
    fs::create_dir(&path).unwrap();
    refused(&path, "it is a folder");
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_read_is_explained() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("assay.duckdb");
    // A link to itself cannot be read by anyone, not even by the superuser that tests may run as.
    std::os::unix::fs::symlink(&path, &path).unwrap();
    let error = Store::open(&path).err().unwrap();
    assert!(error.to_string().contains("cannot be read"), "{error}");
}

#[test]
fn a_store_of_another_program_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("other.duckdb");
    let conn = duckdb::Connection::open(&path).unwrap();
    conn.execute_batch("CREATE TABLE theirs (a INTEGER); CHECKPOINT").unwrap();
    drop(conn);
    refused(&path, "another program");
}

#[test]
fn a_file_cut_short_is_explained() {
    let (_folder, path) = closed();
    let whole = fs::read(&path).unwrap();
    for length in [100, 4096, 9000] {
        fs::write(&path, &whole[..length]).unwrap();
        refused(&path, "cut short");
    }
    // From here on DuckDB itself may be the first to miss a block.
    for length in [12_288, whole.len() / 3, whole.len() / 2] {
        fs::write(&path, &whole[..length]).unwrap();
        let error = Store::open(&path).err().unwrap();
        assert!(matches!(error, StoreError::Damaged { .. }), "{length}: {error:?}");
        assert_eq!(fs::read(&path).unwrap(), whole[..length], "a damaged file was changed");
    }
}

#[test]
fn a_zeroed_header_is_explained() {
    let (_folder, path) = closed();
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    damaged[..4096].fill(0);
    fs::write(&path, &damaged).unwrap();
    refused(&path, "not a DuckDB file");
    damaged = whole.clone();
    damaged[4096..12_288].fill(0);
    fs::write(&path, &damaged).unwrap();
    refused(&path, "cannot be read");
}

#[test]
fn random_damage_never_goes_unnoticed_or_loses_the_file() {
    let (_folder, path) = closed();
    let whole = fs::read(&path).unwrap();
    for round in 0..20_usize {
        let at = 12_288 + (round * 7919 * 131) % (whole.len() - 12_288 - 64);
        let mut damaged = whole.clone();
        damaged[at..at + 64].iter_mut().for_each(|byte| *byte ^= 0x5a);
        fs::write(&path, &damaged).unwrap();
        // Damage in a part that holds nothing changes no result; anywhere else it must be told.
        let told = match Store::open(&path) {
            Err(StoreError::Damaged { .. }) => true,
            Err(other) => panic!("damage at {at} is told as {other:?}"),
            Ok(store) => match store.run(&crate::making::id(1)) {
                Ok(found) => {
                    assert_eq!(found.unwrap(), run(1, "bert", Platform::Cpu, 1.0), "damage at {at}");
                    false
                }
                Err(StoreError::Damaged { .. }) => true,
                Err(other) => panic!("damage at {at} is told as {other:?}"),
            },
        };
        if told {
            assert!(fs::read(&path).unwrap().len() >= whole.len(), "a damaged file was cut");
        }
    }
}

#[test]
fn a_log_without_its_file_is_explained() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("assay.duckdb");
    fs::write(folder.path().join("assay.duckdb.wal"), b"something").unwrap();
    refused(&path, "the file is gone");
}

#[test]
fn a_log_that_is_none_is_explained() {
    let (folder, path) = closed();
    fs::write(folder.path().join("assay.duckdb.wal"), vec![7; 5000]).unwrap();
    refused(&path, "not one of DuckDB's");
}

#[test]
fn a_stale_log_of_another_store_is_explained() {
    let (folder, path) = closed();
    let (other_folder, other) = fresh();
    other.insert_run(&run(2, "vit", Platform::Cpu, 1.0)).unwrap();
    let log = other_folder.path().join("assay.duckdb.wal");
    assert!(log.exists(), "the test needs a log that is not yet part of its file");
    fs::copy(log, folder.path().join("assay.duckdb.wal")).unwrap();
    refused(&path, "part of it cannot be read");
}

#[test]
fn a_newer_store_is_left_untouched() {
    let (_folder, path) = closed();
    let conn = duckdb::Connection::open(&path).unwrap();
    conn.execute_batch("UPDATE assay SET schema_version = 9999; CHECKPOINT").unwrap();
    drop(conn);
    refused(&path, "newer Assay");
}

#[test]
fn the_same_file_is_not_opened_twice_in_one_process() {
    let (folder, store) = fresh();
    let again = folder.path().join("./assay.duckdb");
    assert!(matches!(Store::open(&again), Err(StoreError::Locked { .. })));
    assert!(matches!(Store::open_read_only(&again), Err(StoreError::Locked { .. })));
    let clone = store.clone();
    drop(store);
    assert!(matches!(Store::open(&again), Err(StoreError::Locked { .. })), "a clone still holds it");
    drop(clone);
    assert!(Store::open(&again).is_ok());
}

#[test]
fn a_file_that_another_process_has_open_is_locked() {
    let (_folder, store) = fresh();
    let output = child("opening::child_opens").env("ASSAY_TEST_STORE", store.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("CHILD: Locked"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "started by the tests around it, in a process of its own"]
fn child_opens() {
    let path = PathBuf::from(std::env::var_os("ASSAY_TEST_STORE").unwrap());
    match Store::open(&path) {
        Ok(_) => println!("CHILD: Open"),
        Err(StoreError::Locked { .. }) => println!("CHILD: Locked"),
        Err(other) => println!("CHILD: {other:?}"),
    }
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_told_loses_nothing_and_is_gone_on_from() {
    let (_folder, store) = fresh();
    store.insert_run(&run(1, "bert", Platform::Cpu, 1.0)).unwrap();
    let path = store.path().to_owned();
    drop(store);
    let output = child("opening::child_fills").env("ASSAY_TEST_STORE", &path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("the disk is full"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let stored: u64 = said.split("STORED ").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
    let store = Store::open(&path).unwrap();
    assert_eq!(store.count().unwrap(), stored, "what was there before a kill is there after it");
}

#[cfg(unix)]
#[test]
#[ignore = "started by the tests around it, in a process of its own"]
fn child_fills() {
    let path = PathBuf::from(std::env::var_os("ASSAY_TEST_STORE").unwrap());
    let store = Store::open(&path).unwrap();
    let fill = |size: u64| {
        // No file of this process may grow further than this: to it, the disk is full.
        let limit = libc::rlimit { rlim_cur: size, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: both calls change this process alone, and the pointers are valid for their time.
        unsafe {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit), 0);
        }
    };
    let large = |number: u128| {
        let mut run = run(number, "bert", Platform::Cpu, 1.0);
        run.samples_ms = (0..5000).map(|at| (at as f64).sqrt() + number as f64).collect();
        run
    };
    // Where it fills up is by chance: while a result is written, or while the log is brought into the file after that.
    let mut all = 0;
    for room in [300_000, 500_000, 900_000, 1_300_000] {
        fill(path.metadata().unwrap().len() + room);
        let error = loop {
            all += 1;
            if let Err(error) = store.insert_run(&large(100 + all)) {
                break error;
            }
        };
        println!("CHILD: {error}");
        fill(libc::RLIM_INFINITY);
        let refused = large(100 + all);
        if store.run(&refused.id).unwrap().is_none() {
            store.insert_run(&refused).unwrap();
        }
    }
    for number in 1..=all {
        assert!(store.run(&large(100 + number).id).unwrap().is_some(), "{number} of {all} is lost");
    }
    println!("STORED {} ", store.count().unwrap());
    // Leaves as a killed process would.
    std::process::exit(0);
}

/// This test program again, running one ignored test.
pub fn child(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    command
}
