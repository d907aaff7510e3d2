//! The price list: what an hour of each hardware costs, kept with the settings.

use crate::{actions, parts::*, state::App};
use contract::Scope;
use leptos::prelude::*;
use std::collections::BTreeMap;

#[component]
pub fn PricesDialog(open: RwSignal<bool>, #[prop(into)] scope: Signal<Scope>) -> impl IntoView {
    let app = App::get();
    // Texts as typed, by hardware.
    let typed = RwSignal::new(BTreeMap::<String, String>::new());
    Effect::new(move |_| {
        if open.get() {
            let prices = app.settings.with_untracked(|settings| settings.prices.clone());
            typed.set(prices.into_iter().map(|(hardware, price)| (hardware, price.to_string())).collect());
        }
    });
    let hardware = move || {
        let mut all = scope.with(|scope| scope.hardware.clone());
        all.extend(app.settings.with(|settings| settings.prices.keys().cloned().collect::<Vec<_>>()));
        all.sort();
        all.dedup();
        all
    };
    let wrong = Memo::new(move |_| typed.with(|typed| typed.values().find_map(|text| price(text).err())));
    let keep = move |_| {
        let prices = typed.with_untracked(|typed| {
            let priced = |(hardware, text): (&String, &String)| Some((hardware.clone(), price(text).ok()??));
            typed.iter().filter_map(priced).collect()
        });
        app.settings.update(|settings| settings.prices = prices);
        actions::send(app, contract::SaveSettings { settings: app.settings.get_untracked() }, |app, ()| {
            // What was answered was answered by the old prices.
            app.results.update(|version| *version += 1);
        });
        open.set(false);
    };
    view! {
        <Dialog open title="What an hour costs">
            <div class="dialog-body stack">
                <p class="quiet">
                    "In any one currency. Hardware without a price takes no part where cost is limited."
                </p>
                <ul class="price-list" data-testid="price-list">
                    {move || hardware().into_iter().map(|hardware| view! { <PriceRow hardware typed /> }).collect_view()}
                </ul>
                {move || wrong.get().map(|wrong| view! { <p class="wrong small" role="alert">{wrong}</p> })}
            </div>
            <div class="dialog-foot">
                <Button on_press=move |_| open.set(false)>"Cancel"</Button>
                <Button
                    kind=ButtonKind::Primary
                    testid="keep-prices"
                    disabled=Signal::derive(move || wrong.with(Option::is_some))
                    on_press=keep
                >
                    "Keep"
                </Button>
            </div>
        </Dialog>
    }
}

#[component]
fn PriceRow(hardware: String, typed: RwSignal<BTreeMap<String, String>>) -> impl IntoView {
    let read = hardware.clone();
    let write = hardware.clone();
    let testid = format!("price-{hardware}");
    view! {
        <li>
            <label class="spread">
                <span class="clip">{hardware}</span>
                <span class="row">
                    <input
                        class="input input-number"
                        inputmode="decimal"
                        placeholder="unknown"
                        data-testid=testid
                        prop:value=move || typed.with(|typed| typed.get(&read).cloned().unwrap_or_default())
                        on:input:target=move |event| {
                            typed.update(|typed| drop(typed.insert(write.clone(), event.target().value())));
                        }
                    />
                    <span class="quiet small">"an hour"</span>
                </span>
            </label>
        </li>
    }
}

/// None where nothing is typed.
fn price(text: &str) -> Result<Option<f64>, String> {
    match text.trim().replace(',', ".").as_str() {
        "" => Ok(None),
        words => match words.parse::<f64>() {
            Ok(price) if (0.0..=1e6).contains(&price) => Ok(Some(price)),
            _ => Err(format!("“{text}” is not a price.")),
        },
    }
}
