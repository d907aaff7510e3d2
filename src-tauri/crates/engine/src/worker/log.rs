//! What a worker and its libraries wrote to standard error, bounded: the beginning and the end are kept.

use std::{collections::VecDeque, io::Read};

const FIRST: usize = 40;
const LAST: usize = 160;
const LONGEST_LINE: usize = 500;

#[derive(Clone, Debug, Default)]
pub struct Log {
    first: Vec<String>,
    last: VecDeque<String>,
    left_out: u64,
}

impl Log {
    pub fn push(&mut self, line: &str) {
        let line = line.trim_end();
        if line.is_empty() {
            return;
        }
        let line: String = line.chars().filter(|c| !c.is_control() || *c == '\t').take(LONGEST_LINE).collect();
        if self.first.len() < FIRST {
            self.first.push(line);
            return;
        }
        if self.last.len() == LAST {
            self.last.pop_front();
            self.left_out += 1;
        }
        self.last.push_back(line);
    }

    /// The last lines, oldest first.
    pub fn tail(&self, lines: usize) -> Vec<String> {
        let all = self.first.iter().chain(&self.last);
        all.skip((self.first.len() + self.last.len()).saturating_sub(lines)).cloned().collect()
    }

    pub fn lines(&self) -> Vec<String> {
        let gap = (self.left_out > 0).then(|| format!("… {} lines left out …", self.left_out));
        self.first.iter().cloned().chain(gap).chain(self.last.iter().cloned()).collect()
    }
}

/// Hands every line of a stream to `line`, as long as the log keeps it.
pub(super) fn read_lines(stream: impl Read, line: impl FnMut(&str)) {
    // Four bytes is the longest a character can be.
    read_lines_of(LONGEST_LINE * 4, stream, line);
}

/// The same, cut at this many bytes, which a flood without line ends cannot exceed.
pub(super) fn read_lines_of(longest: usize, mut stream: impl Read, mut line: impl FnMut(&str)) {
    let mut buffer = [0; 8192];
    let mut open = Vec::new();
    loop {
        let read = match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        for byte in &buffer[..read] {
            match byte {
                b'\n' => {
                    line(&String::from_utf8_lossy(&open));
                    open.clear();
                }
                _ if open.len() < longest => open.push(*byte),
                _ => {}
            }
        }
    }
    line(&String::from_utf8_lossy(&open));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_keeps_its_beginning_and_its_end() {
        let mut log = Log::default();
        for i in 0..10_000 {
            log.push(&format!("line {i}"));
        }
        let lines = log.lines();
        assert_eq!(lines.len(), FIRST + 1 + LAST);
        assert_eq!(lines[0], "line 0");
        assert_eq!(lines[FIRST], "… 9800 lines left out …");
        assert_eq!(log.tail(1), ["line 9999"]);
        assert_eq!(log.tail(500).len(), FIRST + LAST);
    }

    #[test]
    fn a_line_without_an_end_is_cut() {
        let mut lines = Vec::new();
        read_lines(std::io::repeat(b'x').take(1_000_000), |line| lines.push(line.len()));
        assert_eq!(lines, [LONGEST_LINE * 4]);
    }

    #[test]
    fn control_characters_do_not_reach_the_log() {
        let mut log = Log::default();
        log.push("\u{1b}[31mred\r\n");
        assert_eq!(log.lines(), ["[31mred"]);
    }
}
