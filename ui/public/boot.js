import init from "./assay-ui.js";

init({ module_or_path: "./assay-ui_bg.wasm" });
