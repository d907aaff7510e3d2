//! Graphics and compute cards on the PCI bus, seen without any driver: tells "no such card" from "no driver for it".

use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    Nvidia,
    Amd,
    Intel,
}

/// A card, by its PCI address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    pub maker: Maker,
    /// `0000:01:00.0`
    pub address: String,
}

/// Cards of the makers whose platforms are listed. None where the system does not show its bus (Windows, macOS).
pub fn cards() -> Option<Vec<Card>> {
    cfg!(target_os = "linux").then(|| read(Path::new("/sys/bus/pci/devices")))
}

fn read(root: &Path) -> Vec<Card> {
    let mut cards: Vec<Card> = std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let number = |file: &str| {
                let text = std::fs::read_to_string(entry.path().join(file)).ok()?;
                u32::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok()
            };
            let maker = match number("vendor")? {
                0x10de => Maker::Nvidia,
                0x1002 => Maker::Amd,
                0x8086 => Maker::Intel,
                _ => return None,
            };
            // Base class 0x03 is display controllers, 0x12 processing accelerators.
            let class = number("class")? >> 16;
            let address = entry.file_name().into_string().ok()?;
            matches!(class, 0x03 | 0x12).then_some(Card { maker, address })
        })
        .collect();
    cards.sort_by(|a, b| a.address.cmp(&b.address));
    cards
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cards_that_compute_are_counted() {
        let root = tempfile::tempdir().unwrap();
        let put = |address: &str, vendor: &str, class: &str| {
            let folder = root.path().join(address);
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("vendor"), format!("{vendor}\n")).unwrap();
            std::fs::write(folder.join("class"), format!("{class}\n")).unwrap();
        };
        put("0000:01:00.0", "0x10de", "0x030000");
        put("0000:01:00.1", "0x10de", "0x040300"); // its sound
        put("0000:03:00.0", "0x1002", "0x120000");
        put("0000:00:1f.0", "0x8086", "0x060100"); // a bridge
        put("0000:04:00.0", "0x1af4", "0x030000"); // a virtual display
        std::fs::create_dir(root.path().join("broken")).unwrap();
        let card = |maker, address: &str| Card { maker, address: address.to_owned() };
        assert_eq!(read(root.path()), [card(Maker::Nvidia, "0000:01:00.0"), card(Maker::Amd, "0000:03:00.0")]);
    }

    #[test]
    fn a_system_without_the_bus_shows_no_card() {
        assert!(read(Path::new("/nowhere")).is_empty());
    }
}
