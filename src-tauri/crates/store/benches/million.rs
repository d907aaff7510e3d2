//! A million results: how long the import, the matrix, lists and filters take.
//!
//! `cargo bench -p assay-store` (optionally with a number of rows) prints a line for each, the median of seven.
//! Beside it stands the processor time of all threads, which another program's load does not lengthen.

use contract::*;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;
use store::Store;

fn main() {
    let rows: u64 = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::TempDir::new().expect("the benchmark needs a temporary folder");
    let table = folder.path().join("table.csv");
    write_table(&table, rows).expect("the benchmark needs space for its table");
    let path = folder.path().join("assay.duckdb");
    let store = Store::open(&path).expect("a new store opens");

    let begin = Instant::now();
    let report = store.import(&table, &mut |_, _| ControlFlow::Continue(())).expect("the table is well-formed");
    println!("import of {} rows: {:.1} s ({} taken)", report.rows, begin.elapsed().as_secs_f64(), report.taken);
    let begin = Instant::now();
    drop(store);
    println!("close: {:.0} ms, file {} MB", ms(begin), path.metadata().map_or(0, |about| about.len() >> 20));
    let begin = Instant::now();
    let store = Store::open(&path).expect("a closed store opens");
    println!("open: {:.0} ms", ms(begin));

    let all = Filter::default();
    for metric in Metric::ALL {
        time(&format!("matrix, {}", metric.label()), || store.matrix(*metric, &all).map(|matrix| matrix.cells.len()));
    }
    let narrow = Filter {
        search: "model1 rtx".into(),
        platforms: vec![Platform::Cuda],
        precisions: vec![Precision::F16],
        ..Filter::default()
    };
    time("matrix, filtered", || store.matrix(Metric::Latency, &narrow).map(|matrix| matrix.cells.len()));
    for order in [RunOrder::Newest, RunOrder::Fastest, RunOrder::Model] {
        time(&format!("list, {order:?}"), || store.list_runs(&all, order, 0, 50).map(|page| page.rows.len()));
    }
    time("list, page 10,000", || store.list_runs(&all, RunOrder::Newest, 500_000, 50).map(|page| page.rows.len()));
    time("list, filtered", || store.list_runs(&narrow, RunOrder::Newest, 0, 50).map(|page| page.rows.len()));
    time("filter choices", || store.filter_choices().map(|choices| choices.models.len()));
    let first = store.list_runs(&all, RunOrder::Oldest, 0, 1).expect("the store answers").rows.remove(0);
    time("one result", || store.run(&first.id).map(|run| usize::from(run.is_some())));
    time("cell", || store.cell_runs(&first.model, Some(&first.device), first.platform, &all).map(|runs| runs.len()));
    time("delete and undo", || {
        store.delete_runs(std::slice::from_ref(&first.id))?;
        store.restore_runs(std::slice::from_ref(&first.id)).map(|count| count as usize)
    });
    let begin = Instant::now();
    let out = folder.path().join("out.csv");
    let report = store.export(&out, &all, false).expect("the folder can be written");
    println!("export of {} rows as CSV: {:.1} s", report.rows, begin.elapsed().as_secs_f64());
    let begin = Instant::now();
    let out = folder.path().join("out.parquet");
    let report = store.export(&out, &all, false).expect("the folder can be written");
    println!("export of {} rows as Parquet: {:.1} s", report.rows, begin.elapsed().as_secs_f64());
    println!("highest resident memory: {} MB", peak_mb());
}

fn ms(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64() * 1000.0
}

fn time(what: &str, mut ask: impl FnMut() -> store::Result<usize>) {
    let mut times = Vec::new();
    let mut found = 0;
    let before = processor_ms();
    for _ in 0..7 {
        let begin = Instant::now();
        found = ask().expect("the store answers");
        times.push(ms(begin));
    }
    let first = times[0];
    times.sort_by(f64::total_cmp);
    let (median, worst, processor) = (times[3], times[6], (processor_ms() - before) / 7.0);
    println!(
        "{what}: median {median:.0} ms, first {first:.0}, worst {worst:.0}, processor {processor:.0} ({found} rows)"
    );
}

/// 600 models × 8 devices × 5 runtimes, in several precisions, batches and sizes.
fn write_table(path: &Path, rows: u64) -> std::io::Result<()> {
    let hardware = ["rtx3090", "rtx4090", "A100", "cpu-i9", "cpu-xeon", "Snapdragon 8", "Radeon 7900", "Apple M3"];
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "{}", COLUMNS.join(","))?;
    // A fixed sequence of numbers that look random: the same table every time.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for row in 0..rows {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let pick = |shift: u32, of: u64| (state >> shift) % of;
        writeln!(
            out,
            "model{},family{},{},runtime{},{},inference,{},{},1,,version {},2025-0{}-1{}T00:00:0{}Z,1000000,2000000,3000,{}.{:06},{}",
            pick(0, 600),
            pick(0, 600) % 20,
            hardware[pick(10, 8) as usize],
            pick(14, 5),
            ["fp32", "fp16", "int8"][pick(18, 3) as usize],
            [1, 2, 4, 8, 16][pick(22, 5) as usize],
            [128, 224, 512][pick(26, 3) as usize],
            pick(30, 7),
            1 + pick(34, 9),
            pick(38, 10),
            pick(42, 10),
            1 + pick(46, 500),
            row % 1_000_000,
            1 + pick(50, 4000),
        )?;
    }
    out.flush()
}

/// Of all threads of this process; not a number where the system does not tell. Counted in ticks of 10 ms.
fn processor_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the program's name in parentheses, user and system time are the 12th and 13th.
    let times = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    let ticks: Option<Vec<f64>> = times.map(|ticks| ticks.parse().ok()).collect();
    ticks.filter(|ticks| ticks.len() == 2).map_or(f64::NAN, |ticks| 10.0 * (ticks[0] + ticks[1]))
}

/// Zero where the system does not tell.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
