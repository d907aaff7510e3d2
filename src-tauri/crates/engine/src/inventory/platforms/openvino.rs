//! OpenVINO: the devices its own library lists.

use super::{Found, engine_absence, engines_verdict};
use contract::{Availability, Fact, Platform, PlatformStatus};

pub fn status(found: &Found) -> PlatformStatus {
    let availability = engines_verdict(&found.engines, Platform::OpenVino)
        .or_else(|| engine_absence(&found.engines, "openvino"))
        .unwrap_or_else(|| {
            Availability::missing(
                "OpenVINO is installed and lists no device",
                "OpenVINO needs a processor with AVX2, or Intel's driver for its GPU or NPU",
            )
        });
    let engine = found.engines.iter().find(|engine| engine.id.0 == "openvino");
    let facts = engine.map(|engine| {
        let version = engine.version.as_ref().map(|version| Fact::new("Version", version));
        let library = engine.library.as_ref().map(|library| Fact::new("Library", library));
        let offers = (!engine.offers.is_empty()).then(|| Fact::new("Devices it lists", engine.offers.join(", ")));
        version.into_iter().chain(library).chain(offers).collect()
    });
    PlatformStatus { platform: Platform::OpenVino, availability, devices: Vec::new(), facts: facts.unwrap_or_default() }
}
