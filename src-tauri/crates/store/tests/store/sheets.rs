//! Tables come in with every row accounted for, and go out so that they come back the same.

use crate::making::{data, failed, fresh, id, run};
use contract::*;
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use std::fs;
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use store::{Store, StoreError};
use tempfile::TempDir;

const HEADER: &str = "model,family,hardware,runtime,precision,mode,batch,size,devices,threads,software,measured_at,\
parameters,macs,activations,latency_ms,peak_memory_mb";

fn go_on(_rows: u64, _share: Option<f64>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn import(store: &Store, path: &Path) -> ImportReport {
    let report = store.import(path, &mut go_on).unwrap();
    assert_eq!(report.taken + report.duplicates + report.refused, report.rows, "{report:?}");
    assert_eq!(report.causes.iter().map(|(_, count)| count).sum::<u64>(), report.refused);
    report
}

/// Imports this text, given as the file's bytes.
fn import_text(store: &Store, text: impl AsRef<[u8]>) -> ImportReport {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("table.csv");
    fs::write(&path, text).unwrap();
    import(store, &path)
}

fn rows(store: &Store) -> Vec<RunRow> {
    store.list_runs(&Filter::default(), RunOrder::Oldest, 0, 10_000).unwrap().rows
}

/// The lines of a table, its header first.
fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

fn unpack(name: &str) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(fs::File::open(data(name)).unwrap()).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn every_row_of_the_public_tables_is_accounted_for() {
    let expected = [
        ("vision_gpu_cpu.csv.gz", 195, 195, 0, 0),
        ("edge_devices.csv.gz", 190, 190, 0, 0),
        ("edge_devices_history.csv.gz", 173, 153, 9, 11),
        ("multi_gpu_training.csv.gz", 187, 0, 0, 0),
    ];
    let (_folder, store) = fresh();
    for (name, rows, taken, duplicates, refused) in expected {
        let report = import(&store, &data(name));
        if name.starts_with("multi") {
            // fp64 is refused, and each of the forty pairs of the copied folder counts once.
            let fp64 = unpack(name).matches(",fp64,").count() as u64;
            assert_eq!(report.causes, [("precision is none of f32, f16, bf16, int8 and int4".to_owned(), fp64)]);
            assert!(report.duplicates > 15 && report.taken + report.duplicates + fp64 == rows, "{report:?}");
        } else {
            let found = (report.rows, report.taken, report.duplicates, report.refused);
            assert_eq!(found, (rows, taken, duplicates, refused), "{name}: {:?}", report.causes);
        }
        let again = import(&store, &data(name));
        assert_eq!((again.taken, again.refused), (0, report.refused), "{name} a second time");
    }
}

#[test]
fn hardware_of_no_known_platform_is_taken_and_listed_apart() {
    let (folder, store) = fresh();
    let table = folder.path().join("table.csv");
    let row = "m,vision,abacus,pytorch,fp32,inference,1,224,1,,torch 2,2024-05-01,1,1,1,2.5,10\n";
    fs::write(&table, format!("{HEADER}\n{row}")).unwrap();
    assert_eq!(import(&store, &table).taken, 1);
    let rows = rows(&store);
    assert_eq!((rows[0].platform, rows[0].device_name.as_str()), (Platform::Other, "abacus"));
}

#[test]
fn an_imported_table_is_exported_with_the_values_it_had() {
    for name in ["vision_gpu_cpu.csv.gz", "edge_devices.csv.gz"] {
        let (folder, store) = fresh();
        import(&store, &data(name));
        let out = folder.path().join("out.csv");
        let report = store.export(&out, &Filter::default(), false).unwrap();
        assert_eq!(report.left_out, []);
        let before: Vec<String> = unpack(name).lines().map(str::to_owned).collect();
        let after = lines(&out);
        assert_eq!(after.len(), before.len());
        for (before, after) in before.iter().zip(&after).skip(1) {
            for (at, (was, is)) in before.split(',').zip(after.split(',')).enumerate() {
                let column = COLUMNS[at];
                match (was.parse::<f64>(), is.parse::<f64>()) {
                    // Dust of the source's own arithmetic is swept to whole operations; a memory of 0 is not known.
                    (Ok(was), Ok(is)) => assert!((was - is).abs() <= 1e-12 * was, "{column}: {was} became {is}"),
                    _ if column == "peak_memory_mb" && was == "0.0" => assert_eq!(is, ""),
                    _ => assert_eq!(was, is, "{column}"),
                }
            }
            let platform = after.rsplit(',').next().unwrap();
            let blank = ",".repeat(OPTIONAL_COLUMNS.len() - 1);
            assert!(after.ends_with(&format!("imported,{name}{blank}{platform}")), "{after}");
        }
    }
}

#[test]
fn an_export_read_back_elsewhere_exports_the_same_table() {
    for ending in ["csv", "parquet"] {
        let (folder, store) = fresh();
        for number in 1..=5 {
            let mut run = run(number, "bert", Platform::ALL[number as usize], 0.1 + number as f64 / 3.0);
            run.model.name = ["=1+1", "a,\"b\"\nc", "'=x", "-plain", "\u{ff1d}wide"][number as usize - 1].into();
            run.memory.peak_bytes = Some(123_456_789 + number as u64);
            store.insert_run(&run).unwrap();
        }
        let imported =
            Run { evidence: Evidence::Imported, source: Some("a paper".into()), ..run(6, "vit", Platform::Cuda, 3.0) };
        store.insert_run(&imported).unwrap();
        let predicted = Run { evidence: Evidence::Predicted, ..run(7, "vit", Platform::Cuda, 4.0) };
        store.insert_run(&predicted).unwrap();
        let all = Filter { evidence: Evidence::ALL.to_vec(), ..Filter::default() };
        let first = folder.path().join(format!("first.{ending}"));
        assert_eq!(store.export(&first, &all, false).unwrap().rows, 7);

        let (other_folder, other) = fresh();
        let report = import(&other, &first);
        assert_eq!((report.rows, report.taken), (7, 7), "{report:?}");
        let evidence: Vec<Evidence> = rows(&other).into_iter().map(|row| row.evidence).collect();
        let foreign = [[Evidence::Imported; 6].as_slice(), &[Evidence::Predicted]].concat();
        assert_eq!(evidence, foreign, "what another Assay measured was not measured here");
        let (back, there) = (other_folder.path().join("back.csv"), folder.path().join("there.csv"));
        other.export(&back, &all, false).unwrap();
        store.export(&there, &all, false).unwrap();
        assert_eq!(lines(&back), lines(&there), "through {ending}");

        let home = import(&store, &first);
        assert_eq!((home.taken, home.duplicates), (0, 7), "its own rows are there already");
    }
}

#[test]
fn an_export_tells_the_precision_that_ran_and_further_dimensions_and_comes_back_the_same() {
    for ending in ["csv", "parquet"] {
        let (folder, store) = fresh();
        let mut other = run(1, "net", Platform::Cuda, 5.0);
        other.setting.precision = Precision::F16;
        other.setting.dims = [("text".to_owned(), 16), ("frames".to_owned(), 8)].into();
        other.placement =
            Some(Placement { node_share: 1.0, mac_share: Some(0.5), parts: Vec::new(), source: String::new() });
        store.insert_run(&other).unwrap();
        store.insert_run(&run(2, "net", Platform::Cuda, 6.0)).unwrap();
        let table = folder.path().join(format!("t.{ending}"));
        let report = store.export(&table, &Filter::default(), false).unwrap();
        let notes = [
            ("in the precision that ran, f32, where f16 was asked for".to_owned(), 1_u64),
            ("with a part of the work done on another device".to_owned(), 1),
        ];
        assert_eq!((report.rows, report.notes), (2, notes.to_vec()));
        assert_eq!(import(&store, &table).duplicates, 2, "its own rows are there already");

        let (other_folder, other) = fresh();
        assert_eq!(import(&other, &table).taken, 2);
        let found: Vec<_> = rows(&other).into_iter().map(|row| (row.ran(), row.dims)).collect();
        let elsewhere = "f16, ran in f32, 50 % on this device".to_owned();
        assert_eq!(found, [(elsewhere, Some("frames=8,text=16".into())), ("f32".into(), None)]);
        let (back, there) = (other_folder.path().join("back.csv"), folder.path().join("there.csv"));
        assert_eq!(other.export(&back, &Filter::default(), false).unwrap().notes, notes);
        store.export(&there, &Filter::default(), false).unwrap();
        assert_eq!(lines(&back), lines(&there), "through {ending}");
    }
}

/// Of text with padding, sound, images and a mixture of experts; only of the text ran just what was asked for.
fn of_all_kinds() -> [Run; 4] {
    let per_sample = |unit, count| Some(PerSample { unit, count });
    let mut text = run(1, "bert", Platform::Cpu, 5.5);
    text.setting.dims = [(PADDING.to_owned(), 25)].into();
    text.model.per_sample = per_sample(TaskUnit::Tokens, 96.0);
    let mut sound = run(2, "wav2vec2", Platform::Cpu, 70.25);
    (sound.setting.size, sound.setting.precision) = (Some(160_000), Precision::F16);
    sound.model.size_unit = Some(SizeUnit::Sound { per_second: 16_000 });
    sound.model.per_sample = per_sample(TaskUnit::SoundSeconds, 10.0);
    let mut image = run(3, "resnet", Platform::Cuda, 3.125);
    (image.setting.size, image.model.size_unit) = (Some(224), None);
    image.model.per_sample = per_sample(TaskUnit::Images, 1.0);
    image.placement =
        Some(Placement { node_share: 0.9, mac_share: Some(0.12), parts: Vec::new(), source: String::new() });
    let mut mixture = run(4, "mixtral", Platform::Cpu, 40.5);
    mixture.setting.dims = [("text".to_owned(), 16)].into();
    mixture.flags.push(Flag::AllExperts { reason: "All 8 experts are computed for each token".into() });
    [text, sound, image, mixture]
}

#[test]
fn an_export_brings_what_was_fed_and_what_ran_into_another_store() {
    let told = |store: &Store| -> Vec<_> {
        let rows = rows(store).into_iter();
        rows.map(|row| (row.fed(), row.ran(), row.device_share, row.per_sample)).collect()
    };
    let best = |store: &Store| -> Vec<_> {
        let cells = store.matrix(Metric::Throughput, &Filter::default()).unwrap().cells.into_iter();
        cells.map(|cell| (cell.model, cell.best.map(|best| (best.value, best.per_sample)))).collect()
    };
    for ending in ["csv", "parquet"] {
        let ((folder, store), (other_folder, other)) = (fresh(), fresh());
        for run in of_all_kinds() {
            store.insert_run(&run).unwrap();
        }
        let table = folder.path().join(format!("t.{ending}"));
        assert_eq!(store.export(&table, &Filter::default(), false).unwrap().rows, 4);
        assert_eq!(import(&other, &table).taken, 4);

        let words: Vec<String> =
            told(&other).iter().map(|(fed, ran, ..)| format!("{}: {ran}", fed.words().join(", "))).collect();
        let expected = [
            "batch 1, 128 tokens, 25 % padding: f32",
            "batch 1, 10 s of sound: f16, ran in f32",
            "batch 1, size 224: f32, 12 % on this device",
            "batch 1, 128 tokens, text 16: f32, all experts computed",
        ];
        assert_eq!(words, expected, "through {ending}");
        assert_eq!((told(&other), best(&other)), (told(&store), best(&store)), "through {ending}");
        for row in rows(&other) {
            let whole = other.run(&row.id).unwrap().unwrap();
            assert_eq!((whole.fed(), whole.ran()), (row.fed(), row.ran()));
        }

        let (back, there) = (other_folder.path().join("back.csv"), folder.path().join("there.csv"));
        other.export(&back, &Filter::default(), false).unwrap();
        store.export(&there, &Filter::default(), false).unwrap();
        assert_eq!(lines(&back), lines(&there), "through {ending}");
        assert_eq!(import(&store, &table).duplicates, 4, "its own rows are there already");
    }
}

#[test]
fn what_a_row_tells_of_its_work_and_of_what_ran_is_taken_or_refused_by_its_column() {
    let (_folder, store) = fresh();
    let cases = [
        ("pixels,,,,,", "size_unit", "neither tokens nor sound/NUMBER"),
        ("sound/0,,,,,", "size_unit", "leave it blank"),
        (",words,5,,,", "throughput_unit", "none of tokens, images"),
        (",,5,,,", "throughput_unit", "blank"),
        (",tokens,,,,", "units_per_sample", "blank"),
        (",tokens,0,,,", "units_per_sample", "zero"),
        (",,,fp64,,", "asked_precision", "none of f32"),
        (",,,,0,", "device_share", "zero"),
        (",,,,12,", "device_share", "above 1"),
        (",,,,,eight", "all_experts", "neither true nor false"),
    ];
    let row = |cells: &str, ms: usize| format!("m,rtx3090,fp32,inference,{ms},{cells}\n");
    let columns = "size_unit,throughput_unit,units_per_sample,asked_precision,device_share,all_experts";
    let good = [row(" sound/100 ,frames,16,amp,0.5,TRUE", 90), row(",,,float32,1,false", 91)].concat();
    let bad: String = (1..).zip(&cases).map(|(ms, (cells, ..))| row(cells, ms)).collect();
    let report = import_text(&store, format!("model,hardware,precision,mode,latency_ms,{columns}\n{good}{bad}"));
    assert_eq!((report.taken, report.refused), (2, cases.len() as u64), "{:#?}", report.refusals);
    for (line, (refusal, (_, column, words))) in (4..).zip(report.refusals.iter().zip(cases)) {
        assert_eq!((refusal.line, refusal.column.as_deref()), (line, Some(column)));
        assert!(refusal.cause.contains(words), "{} should say {words:?}", refusal.cause);
    }
    let rows = rows(&store);
    let ran: Vec<String> = rows.iter().map(RunRow::ran).collect();
    assert_eq!(ran, ["f16, ran in f32, 50 % on this device, all experts computed", "f32"]);
    let told = (rows[0].size_unit, rows[0].per_sample);
    let frames = PerSample { unit: TaskUnit::Frames, count: 16.0 };
    assert_eq!(told, (Some(SizeUnit::Sound { per_second: 100 }), Some(frames)));
    let whole = store.run(&rows[0].id).unwrap().unwrap();
    assert!(matches!(&whole.flags[..], [flag] if flag.reason().ends_with("the imported table says so")), "{whole:?}");
    assert_eq!(whole.effective.precision_source, "the imported table says fp32");
}

#[test]
fn dimensions_are_read_in_any_order_and_refused_where_they_are_none() {
    let (_folder, store) = fresh();
    let table = "model,hardware,precision,mode,latency_ms,dims\n\
                 m,rtx3090,f32,inference,2.5,\"text = 16, frames=8\"\n\
                 m,rtx3090,f32,inference,3.5,sixteen\n";
    let report = import_text(&store, table);
    assert_eq!((report.taken, report.refused), (1, 1));
    assert!(report.refusals[0].cause.contains("NAME=NUMBER"), "{:?}", report.refusals);
    let row = rows(&store).remove(0);
    assert_eq!(row.dims.as_deref(), Some("frames=8,text=16"));
    let dims: Vec<_> = store.run(&row.id).unwrap().unwrap().setting.dims.into_iter().collect();
    assert_eq!(dims, [("frames".to_owned(), 8), ("text".to_owned(), 16)]);
}

#[test]
fn an_export_leaves_out_what_is_not_a_measurement_and_says_so() {
    let (folder, store) = fresh();
    store.insert_run(&run(1, "bert", Platform::Cpu, 1.0)).unwrap();
    store.insert_run(&failed(2, "bert", Platform::Cpu)).unwrap();
    let mut unchecked = run(3, "bert", Platform::Cpu, 1.0);
    unchecked.check = OutputCheck::Unchecked { reason: "nothing else runs it".into() };
    store.insert_run(&unchecked).unwrap();
    store.insert_run(&Run { evidence: Evidence::Predicted, ..run(4, "bert", Platform::Cpu, 1.0) }).unwrap();
    store.insert_run(&run(5, "bert", Platform::Cpu, 1.0)).unwrap();
    store.delete_runs(&[id(5)]).unwrap();
    let out = folder.path().join("out.csv");
    let report = store.export(&out, &Filter::default(), false).unwrap();
    assert_eq!((report.rows, lines(&out).len()), (1, 2));
    assert_eq!(report.left_out.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [1, 1, 1]);
    let all: Vec<&str> = HEADER.split(',').chain(OPTIONAL_COLUMNS).chain([PLATFORM_COLUMN]).collect();
    assert_eq!(lines(&out)[0], all.join(","));
}

#[test]
fn names_and_paths_leave_only_on_request() {
    let (folder, store) = fresh();
    let mut run = run(1, "/home/ada/secret.onnx", Platform::Cpu, 1.0);
    run.source = Some("C:\\Users\\ada\\t.csv".into());
    store.insert_run(&run).unwrap();
    let out = folder.path().join("out.csv");
    store.export(&out, &Filter::default(), false).unwrap();
    let text = fs::read_to_string(&out).unwrap();
    assert!(!text.contains("ada") && !text.contains("/opt/lib") && text.contains("secret.onnx"), "{text}");
    store.export(&out, &Filter::default(), true).unwrap();
    let text = fs::read_to_string(&out).unwrap();
    assert!(text.contains("/home/ada/secret.onnx") && text.contains("/opt/lib/libonnxruntime.so"), "{text}");
    assert!(text.lines().next().unwrap().ends_with("platform,machine,library"));
    let (_other_folder, other) = fresh();
    assert_eq!(import(&other, &out).taken, 1, "further columns are no obstacle");
}

#[test]
fn no_exported_cell_is_a_formula() {
    let (folder, store) = fresh();
    for (number, text) in (1..).zip(["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", "\rx", " =1"]) {
        let mut run = run(number, text, Platform::Cpu, 1.0);
        run.effective.engine_version = text.into();
        store.insert_run(&run).unwrap();
    }
    let out = folder.path().join("out.csv");
    store.export(&out, &Filter::default(), false).unwrap();
    let text = fs::read_to_string(&out).unwrap();
    for cell in text.split([',', '\n']) {
        let cell = cell.trim_start_matches('"');
        assert!(!cell.starts_with(['=', '+', '@', '\t', '\r']), "{cell:?} in {text}");
        assert!(!cell.starts_with('-'), "{cell:?} in {text}");
    }
}

#[test]
fn each_refusal_names_line_column_and_cause() {
    let row = |model: &str, precision: &str, mode: &str, batch: &str, latency: &str, memory: &str| {
        format!(
            "{model},vision,rtx3090,pytorch,{precision},{mode},{batch},224,1,,torch 2,2024-05-01,1,1,1,{latency},{memory}\n"
        )
    };
    let good = |latency: &str| row("m", "fp32", "inference", "1", latency, "10");
    let cases: Vec<(String, Option<&str>, &str)> = vec![
        (row("", "fp32", "inference", "1", "1", ""), Some("model"), "blank"),
        (good("1").replace("rtx3090", ""), Some("hardware"), "blank"),
        (good(""), Some("latency_ms"), "blank"),
        (good("0"), Some("latency_ms"), "zero"),
        (good("-0.0"), Some("latency_ms"), "zero"),
        (good("-3"), Some("latency_ms"), "negative"),
        (good("nan"), Some("latency_ms"), "not finite"),
        (good("inf"), Some("latency_ms"), "not finite"),
        (good("1e999"), Some("latency_ms"), "not finite"),
        (good("12ms"), Some("latency_ms"), "not a number"),
        (good("0x10"), Some("latency_ms"), "not a number"),
        (row("m", "fp64", "inference", "1", "1", ""), Some("precision"), "none of"),
        (row("m", "", "inference", "1", "1", ""), Some("precision"), "blank"),
        (row("m", "fp32", "guessing", "1", "1", ""), Some("mode"), "none of"),
        (row("m", "fp32", "inference", "0", "1", ""), Some("batch"), "whole number"),
        (row("m", "fp32", "inference", "1.5", "1", ""), Some("batch"), "whole number"),
        (row("m", "fp32", "inference", "99999999999", "1", ""), Some("batch"), "whole number"),
        (row("m", "fp32", "inference", "1", "1", "-5"), Some("peak_memory_mb"), "negative"),
        (good("1").replace("2024-05-01", "yesterday"), Some("measured_at"), "date"),
        (good("1").replace("2024-05-01", "2024-02-31"), Some("measured_at"), "date"),
        ("m,vision,rtx3090\n".into(), None, "3 fields where the header has 17"),
        (good("1,1").to_owned(), None, "18 fields"),
        (good("1").replace("torch 2", "\"torch\" 2"), None, "closing quotation mark"),
        (good("1").replace("torch 2", "\"torch 2"), None, "not closed"),
        (row(&"x".repeat(5000), "fp32", "inference", "1", "1", ""), Some("model"), "longer than 4,096"),
        (row(&"x".repeat(500_000), "fp32", "inference", "1", "1", ""), None, "longer than 128 KB"),
        (row("a\0b", "fp32", "inference", "1", "1", ""), Some("model"), "NUL"),
    ];
    let (_folder, store) = fresh();
    let mut table = format!("{HEADER}\n{}", good("7")).into_bytes();
    for (line, ..) in &cases {
        table.extend_from_slice(line.as_bytes());
    }
    table.extend_from_slice(&good("8").into_bytes());
    let mut bad_text = good("9").into_bytes();
    bad_text[0] = 0xff;
    table.extend_from_slice(&bad_text);
    let report = import_text(&store, &table);
    assert_eq!((report.taken, report.refused), (2, cases.len() as u64 + 1), "{:#?}", report.refusals);
    for (at, (_, column, words)) in cases.iter().enumerate() {
        let refusal = &report.refusals[at];
        assert_eq!(refusal.line, at as u64 + 3, "{refusal:?}");
        assert_eq!(refusal.column.as_deref(), *column, "{refusal:?}");
        assert!(refusal.cause.contains(words), "{refusal:?} should say {words:?}");
        assert!(refusal.cause.len() < 400);
    }
    let last = report.refusals.last().unwrap();
    assert!(last.cause.contains("UTF-8"), "{last:?}");
}

#[test]
fn only_a_thousand_refusals_are_listed_and_all_are_counted() {
    let (_folder, store) = fresh();
    let mut table = format!("{HEADER}\n");
    for at in 0..1500 {
        table.push_str(&format!("m{at},v,rtx3090,p,fp32,inference,1,1,1,,s,,1,1,1,0,1\n"));
    }
    let report = import_text(&store, &table);
    assert_eq!((report.refusals.len(), report.refused), (1000, 1500));
    assert_eq!(report.causes, [("latency_ms is zero".to_owned(), 1500)]);
}

#[test]
fn every_row_that_was_not_taken_is_listed_with_its_line_outcome_and_cause() {
    let (folder, store) = fresh();
    let (path, list) = (folder.path().join("t.csv"), folder.path().join("list.csv"));
    let row = |latency: &str| format!("m,v,rtx3090,p,fp32,inference,1,1,1,,s,,1,1,1,{latency},1\n");
    import_text(&store, format!("{HEADER}\n{}", row("2")));
    let table = [HEADER, "\n", &row("1"), &row("0"), &row("1"), "\n", &row("2"), "a,b\n"].concat();
    fs::write(&path, table).unwrap();
    let report = store.import_listing(&path, Some(&list), &mut go_on).unwrap();
    assert_eq!((report.rows, report.taken, report.duplicates, report.refused), (5, 1, 2, 2));
    let expected = "line,outcome,column,cause\n\
                    3,refused,latency_ms,is zero: 0\n\
                    4,duplicate,,a row further up in this table says the same\n\
                    5,skipped,,the line is blank\n\
                    6,duplicate,,the store has this measurement already\n\
                    7,refused,,wrong number of fields: 2 fields where the header has 17\n";
    assert_eq!(fs::read_to_string(&list).unwrap(), expected);

    fs::write(&path, format!("{HEADER}\n{}", row("0").repeat(1500))).unwrap();
    let report = store.import_listing(&path, Some(&list), &mut go_on).unwrap();
    let text = fs::read_to_string(&list).unwrap();
    assert_eq!((report.refusals.len(), text.lines().count()), (1000, 1501));
    assert!(text.ends_with("1501,refused,latency_ms,is zero: 0\n"), "{}", &text[text.len() - 100..]);

    fs::write(&path, format!("{HEADER}\n{}", row("0").repeat(6000))).unwrap();
    let ended = store.import_listing(&path, Some(&list), &mut |_, _| ControlFlow::Break(()));
    assert!(matches!(ended, Err(StoreError::Cancelled)), "{ended:?}");
    assert_eq!(fs::read_to_string(&list).unwrap(), text, "the list of an import that ended stays");
    let nowhere = folder.path().join("no/such/folder/list.csv");
    assert!(store.import_listing(&path, Some(&nowhere), &mut go_on).is_err(), "said before anything is read");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let is_half = |name: &std::ffi::OsString| name.to_string_lossy().starts_with("list.csv.");
    assert!(!left.iter().any(is_half), "{left:?}");
}

#[test]
fn a_table_as_a_whole_is_refused_with_a_remedy() {
    let (folder, store) = fresh();
    let path = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let row = "m,v,rtx3090,p,fp32,inference,1,1,1,,s,,1,1,1,2,1\n";
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(format!("{HEADER}\n{}", row.repeat(10_000)).as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let cases: Vec<(PathBuf, &str)> = vec![
        (path("empty.csv", b""), "empty"),
        (path("blank.csv", b"\n\n"), "empty"),
        (path("semi.csv", HEADER.replace(',', ";").as_bytes()), "not separated by commas"),
        (path("few.csv", b"model,family\n"), "lacks hardware, precision, mode, latency_ms"),
        (path("twice.csv", format!("{HEADER},batch\n").as_bytes()), "\"batch\" twice"),
        (path("wide.csv", &[0xff, 0xfe, b'm', 0]), "UTF-16"),
        (path("table.xlsx", b"PK"), "no format Assay knows"),
        (path("cut.csv.gz", &packed[..packed.len() / 2]), "cannot be read"),
        (path("not.csv.gz", b"model"), "cannot be read"),
        (path("not.parquet", b"model"), "cannot be read"),
        (folder.path().join("absent.csv"), "cannot be read"),
        (folder.path().join("absent.parquet"), "no such file"),
        (path("a[b].parquet", b"PAR1"), "* ? [ {"),
    ];
    for (path, words) in cases {
        let error = store.import(&path, &mut go_on).unwrap_err();
        assert!(matches!(error, StoreError::Table { .. }), "{error:?}");
        assert!(error.to_string().contains(words), "{error} should say {words:?}");
        let Failure::BadInput { subject, .. } = Failure::from(error) else {
            panic!("the window shows it beside the file")
        };
        assert_eq!(subject, path.display().to_string());
        assert_eq!(store.count().unwrap(), 0, "a table that ends in an error leaves nothing");
    }
    assert_eq!(store.query("SELECT count(*) AS n FROM imports").unwrap()[0]["n"], 0);
}

#[test]
fn an_export_that_fails_leaves_what_was_there() {
    let (folder, store) = fresh();
    store.insert_run(&run(1, "bert", Platform::Cpu, 1.0)).unwrap();
    assert!(store.export(&folder.path().join("no/such/folder/out.csv"), &Filter::default(), false).is_err());
    assert!(store.export(&folder.path().join("out.txt"), &Filter::default(), false).is_err());
    fs::create_dir(folder.path().join("out.csv")).unwrap();
    assert!(store.export(&folder.path().join("out.csv"), &Filter::default(), false).is_err());
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".part")), "{left:?}");
}

#[test]
fn columns_may_stand_in_any_order_and_few_are_needed() {
    let (_folder, store) = fresh();
    let table = "latency_ms,weather,mode,precision,hardware,model,evidence,source\r\n\
                 2.5,sunny,inference,amp,\"rtx3090\",m,measured,a lab\r\n\
                 3.5,rain,training,bf16,cpu-i9,m,predicted,\r\n";
    let report = import_text(&store, format!("\u{feff}{table}"));
    assert_eq!((report.rows, report.taken), (2, 2), "{report:?}");
    let notes: Vec<&str> = report.notes.iter().map(|(note, _)| note.as_str()).collect();
    assert!(notes.contains(&"precision amp is listed under f16"), "{notes:?}");
    assert!(notes.iter().any(|note| note.contains("weather")), "{notes:?}");
    let rows = rows(&store);
    assert_eq!((rows[0].evidence, rows[0].source.as_deref()), (Evidence::Imported, Some("a lab")));
    assert_eq!((rows[0].precision, rows[0].platform, rows[0].batch), (Precision::F16, Platform::Cuda, 1));
    assert_eq!((rows[0].throughput_per_s, rows[0].started_at), (None, None), "neither batch nor date were told");
    assert_eq!((rows[1].evidence, rows[1].source.as_deref()), (Evidence::Predicted, Some("table.csv")));
    assert_eq!(rows[1].platform, Platform::Cpu);
    let whole = store.run(&rows[0].id).unwrap().unwrap();
    assert_eq!(whole.effective.precision_source, "the imported table says amp");
    assert_eq!((whole.timing, whole.samples_ms.len()), (None, 0), "a table gives no interval and no samples");
}

#[test]
fn several_devices_together_are_a_device_of_their_own() {
    let (_folder, store) = fresh();
    let row = |devices: u32, latency: f64| {
        format!("m,v,TITAN RTX,p,fp32,training,{},224,{devices},,s,,,,,{latency},\n", 12 * devices)
    };
    import_text(&store, format!("{HEADER}\n{}{}", row(1, 40.0), row(4, 45.0)));
    let cells = store.matrix(Metric::Throughput, &Filter::default()).unwrap().cells;
    let found: Vec<_> =
        cells.iter().map(|cell| (cell.device_name.as_str(), cell.best.as_ref().unwrap().value)).collect();
    assert_eq!(found, [("4 × TITAN RTX", 48.0 / 0.045), ("TITAN RTX", 12.0 / 0.04)]);
}

#[test]
fn progress_counts_up_to_all_rows() {
    let (folder, store) = fresh();
    let path = folder.path().join("t.csv");
    let mut table = format!("{HEADER}\n");
    for at in 0..12_000 {
        table.push_str(&format!("m,v,rtx3090,p,fp32,inference,1,1,1,,s,,1,1,1,{},1\n", at + 1));
    }
    fs::write(&path, table).unwrap();
    let mut heard = Vec::new();
    let mut hear = |rows: u64, share: Option<f64>| {
        heard.push((rows, share.unwrap()));
        ControlFlow::Continue(())
    };
    let report = store.import(&path, &mut hear).unwrap();
    assert_eq!((report.taken, heard.len()), (12_000, 3));
    assert!(heard.iter().map(|(rows, _)| *rows).eq([5000, 10_000, 12_000]), "{heard:?}");
    assert!(heard[0].1 < heard[1].1 && heard[1].1 < 1.0 && heard[2].1 == 1.0, "{heard:?}");
}

#[test]
fn an_import_that_is_ended_leaves_nothing() {
    let (folder, store) = fresh();
    let path = folder.path().join("t.csv");
    let rows = "m,v,rtx3090,p,fp32,inference,1,1,1,,s,,1,1,1,1,1\n".repeat(12_000);
    fs::write(&path, format!("{HEADER}\n{rows}")).unwrap();
    let mut heard = 0;
    let mut end = |rows: u64, _: Option<f64>| {
        heard = rows;
        ControlFlow::Break(())
    };
    let error = store.import(&path, &mut end).unwrap_err();
    assert_eq!(Failure::from(error), Failure::Cancelled);
    assert_eq!((heard, store.count().unwrap()), (5000, 0), "it is not read to its end");
    assert_eq!(import(&store, &path).taken, 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_break_an_import(noise in proptest::collection::vec(any::<u8>(), 0..3000), headed in any::<bool>()) {
        let (folder, store) = fresh();
        let path = folder.path().join("t.csv");
        let mut bytes = if headed { format!("{HEADER}\n").into_bytes() } else { Vec::new() };
        bytes.extend_from_slice(&noise);
        fs::write(&path, bytes).unwrap();
        match store.import(&path, &mut go_on) {
            Ok(report) => prop_assert_eq!(report.taken + report.duplicates + report.refused, report.rows),
            Err(StoreError::Table { .. }) => prop_assert!(!headed),
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn words_that_almost_fit_are_all_accounted_for(
        rows in proptest::collection::vec(proptest::collection::vec(
            prop_oneof!["[a-z0-9,\"'=\\-. ]{0,6}", Just("fp32".to_owned()), Just("rtx3090".to_owned()),
                Just("inference".to_owned()), Just("1e3".to_owned()), Just("2024-01-01".to_owned())], 17), 1..30)
    ) {
        let (folder, store) = fresh();
        let path = folder.path().join("t.csv");
        let lines: Vec<String> = rows.iter().map(|fields| fields.join(",")).collect();
        fs::write(&path, format!("{HEADER}\n{}\n", lines.join("\n"))).unwrap();
        let report = store.import(&path, &mut go_on).unwrap();
        prop_assert_eq!(report.taken + report.duplicates + report.refused, report.rows);
        prop_assert_eq!(store.count().unwrap(), report.taken);
    }
}
