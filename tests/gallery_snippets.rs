//! The Rust that the gallery shows beside each widget, and beside one of odd keys and values, compiled and run.
//! Written by `SNIPPETS=1 cargo test --test cli rust_of_the_gallery`.

#![allow(clippy::unwrap_used, clippy::approx_constant)]

use anywidget_host::{Model, State, Value, View};

/// The model has the keys that its manifest declares, and their values but for so many.
fn check<W: State>(model: &Model<W>, html: View, manifest: &str, most_others: usize) {
    assert!(html.to_string().contains(&format!("<any-widget model=\"{}\"", model.id())));
    let manifest: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(manifest).unwrap()).unwrap();
    let state = model.state_json();
    let keys = |state: &serde_json::Value| state.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&state), keys(&manifest["state"]));
    // 1 is 1.0, as in a page.
    let differs = |key: &String| Value::from(state[key].clone()) != Value::from(manifest["state"][key].clone());
    let others: Vec<String> = keys(&state).into_iter().filter(differs).collect();
    assert!(others.len() <= most_others, "{others:?} of {state}");
}

#[rustfmt::skip]
mod counter {
    use anywidget_host::{Host, Widget};

    #[derive(Clone, Default, Widget)]
    #[widget(path = "widgets/counter")]
    struct Counter {
        count: i64,
    }

    #[tokio::test]
    async fn it_opens_and_changes() -> anywidget_host::Result<()> {
        let host = Host::builder().widget(Counter::widget());
        let host = host.build().await?;

        let counter = host.open("counter", Counter::default).await?;

        // Every open view follows.
        counter.update(|state| state.count += 1);

        // Goes into any page.
        let html = counter.view();

        crate::check(&counter, html, "widgets/counter/widget.json", 1);
        Ok(())
    }
}

#[rustfmt::skip]
mod slider {
    use anywidget_host::{Host, Widget};

    #[derive(Clone, Default, Widget)]
    #[widget(path = "widgets/slider")]
    struct Slider {
        low: i64,
        high: i64,
        min: i64,
        max: i64,
        step: i64,
        ticks: i64,
    }

    #[tokio::test]
    async fn it_opens_and_changes() -> anywidget_host::Result<()> {
        let host = Host::builder().widget(Slider::widget());
        let host = host.build().await?;

        let start = Slider {
            low: 20,
            high: 80,
            max: 100,
            step: 1,
            ticks: 5,
            ..Default::default()
        };
        let slider = host.open("slider", || start).await?;

        // Every open view follows.
        slider.update(|state| state.low += 1);

        // Goes into any page.
        let html = slider.view();

        crate::check(&slider, html, "widgets/slider/widget.json", 1);
        Ok(())
    }
}

#[rustfmt::skip]
mod sketch {
    use anywidget_host::{Blob, Host, Widget};

    #[derive(Clone, Default, Widget)]
    #[widget(path = "widgets/sketch")]
    struct Sketch {
        strokes: Blob,
        color: i64,
        width: i64,
        size: Vec<i64>,
    }

    #[tokio::test]
    async fn it_opens_and_changes() -> anywidget_host::Result<()> {
        let host = Host::builder().widget(Sketch::widget());
        let host = host.build().await?;

        let start = Sketch {
            width: 3,
            size: vec![640, 400],
            ..Default::default()
        };
        let sketch = host.open("sketch", || start).await?;

        // Every open view follows.
        sketch.update(|state| state.color += 1);

        // Goes into any page.
        let html = sketch.view();

        crate::check(&sketch, html, "widgets/sketch/widget.json", 1);
        Ok(())
    }
}

#[rustfmt::skip]
mod plot {
    use anywidget_host::{Host, Value, Widget};
    use serde_json::json;

    #[derive(Clone, Default, Widget)]
    #[widget(path = "widgets/plot")]
    struct Plot {
        series: Vec<Value>,
        x: Value,
        x_title: String,
        y_title: String,
        range: Option<Value>,
        window: Option<Value>,
        y_range: Option<Value>,
        hidden: Vec<Value>,
    }

    #[tokio::test]
    async fn it_opens_and_changes() -> anywidget_host::Result<()> {
        let host = Host::builder().widget(Plot::widget());
        let host = host.build().await?;

        // Starts with more than fits here: series.
        let start = Plot {
            x: json!({"start": 0, "step": 0.006944444444444444}).into(),
            x_title: "Days".into(),
            y_title: "°C".into(),
            ..Default::default()
        };
        let plot = host.open("plot", || start).await?;

        // Every open view follows.
        plot.update(|state| state.x_title = "new".into());

        // Goes into any page.
        let html = plot.view();

        crate::check(&plot, html, "widgets/plot/widget.json", 2);
        Ok(())
    }
}

#[rustfmt::skip]
mod table {
    use anywidget_host::{Host, Value, Widget};

    #[derive(Clone, Default, Widget)]
    #[widget(path = "widgets/table")]
    struct Table {
        columns: Vec<Value>,
        rows: Vec<Vec<Value>>,
        sort: Option<Value>,
        filter: String,
        selected: Vec<i64>,
    }

    #[tokio::test]
    async fn it_opens_and_changes() -> anywidget_host::Result<()> {
        let host = Host::builder().widget(Table::widget());
        let host = host.build().await?;

        // Starts with more than fits here: columns, rows.
        let start = Table {
            selected: vec![5, 6, 7],
            ..Default::default()
        };
        let table = host.open("table", || start).await?;

        // Every open view follows.
        table.update(|state| state.filter = "new".into());

        // Goes into any page.
        let html = table.view();

        crate::check(&table, html, "widgets/table/widget.json", 3);
        Ok(())
    }
}

#[rustfmt::skip]
mod progress {
    use anywidget_host::{Host, Value, Widget};

    #[derive(Clone, Default, Widget)]
    #[widget(path = "widgets/progress")]
    struct Progress {
        label: String,
        value: i64,
        total: i64,
        unit: String,
        status: String,
        message: String,
        steps: Vec<String>,
        step: i64,
        started: Option<Value>,
        ended: Option<Value>,
        eta: Option<Value>,
        cancellable: bool,
    }

    #[tokio::test]
    async fn it_opens_and_changes() -> anywidget_host::Result<()> {
        let host = Host::builder().widget(Progress::widget());
        let host = host.build().await?;

        let start = Progress {
            label: "Moving the photo library".into(),
            value: 1260,
            total: 2000,
            unit: "photos".into(),
            status: "running".into(),
            message: "Lisbon, summer 2019".into(),
            steps: vec![
                "Scan".into(),
                "Copy".into(),
                "Compare".into(),
                "Tidy up".into(),
            ],
            step: 1,
            ..Default::default()
        };
        let progress = host.open("progress", || start).await?;

        // Every open view follows.
        progress.update(|state| state.value += 1);

        // Goes into any page.
        let html = progress.view();

        crate::check(&progress, html, "widgets/progress/widget.json", 1);
        Ok(())
    }
}

#[rustfmt::skip]
mod log {
    use anywidget_host::{Host, Value, Widget};

    #[derive(Clone, Default, Widget)]
    #[widget(path = "widgets/log")]
    struct Log {
        label: String,
        first: i64,
        lines: Vec<Value>,
    }

    #[tokio::test]
    async fn it_opens_and_changes() -> anywidget_host::Result<()> {
        let host = Host::builder().widget(Log::widget());
        let host = host.build().await?;

        // Starts with more than fits here: lines.
        let start = Log {
            label: "Nightly backup".into(),
            first: 412,
            ..Default::default()
        };
        let log = host.open("log", || start).await?;

        // Every open view follows.
        log.update(|state| state.first += 1);

        // Goes into any page.
        let html = log.view();

        crate::check(&log, html, "widgets/log/widget.json", 2);
        Ok(())
    }
}

#[rustfmt::skip]
mod fields {
    use anywidget_host::{Host, Value, Widget};
    use serde_json::json;

    #[derive(Clone, Default, Widget)]
    #[widget(path = "widgets/fields")]
    struct Fields {
        label: String,
        fields: Vec<Value>,
        values: Value,
        errors: Value,
        disabled: bool,
        readonly: bool,
    }

    #[tokio::test]
    async fn it_opens_and_changes() -> anywidget_host::Result<()> {
        let host = Host::builder().widget(Fields::widget());
        let host = host.build().await?;

        // Starts with more than fits here: fields, values.
        let start = Fields {
            label: "A table for the evening".into(),
            errors: json!({}).into(),
            ..Default::default()
        };
        let fields = host.open("fields", || start).await?;

        // Every open view follows.
        fields.update(|state| state.disabled = !state.disabled);

        // Goes into any page.
        let html = fields.view();

        crate::check(&fields, html, "widgets/fields/widget.json", 3);
        Ok(())
    }
}

#[rustfmt::skip]
mod sortable {
    use anywidget_host::{Host, Value, Widget};

    #[derive(Clone, Default, Widget)]
    #[widget(path = "widgets/sortable")]
    struct Sortable {
        label: String,
        items: Vec<Value>,
        checkable: bool,
        addable: bool,
        removable: bool,
        readonly: bool,
        placeholder: String,
    }

    #[tokio::test]
    async fn it_opens_and_changes() -> anywidget_host::Result<()> {
        let host = Host::builder().widget(Sortable::widget());
        let host = host.build().await?;

        // Starts with more than fits here: items.
        let start = Sortable {
            label: "Before the trip".into(),
            checkable: true,
            addable: true,
            removable: true,
            placeholder: "Add something".into(),
            ..Default::default()
        };
        let sortable = host.open("sortable", || start).await?;

        // Every open view follows.
        sortable.update(|state| state.checkable = !state.checkable);

        // Goes into any page.
        let html = sortable.view();

        crate::check(&sortable, html, "widgets/sortable/widget.json", 2);
        Ok(())
    }
}

#[rustfmt::skip]
mod tabs {
    use anywidget_host::{Host, Value, Widget};
    use serde_json::json;

    #[derive(Clone, Default, Widget)]
    #[widget(path = "widgets/tabs")]
    struct Tabs {
        tabs: Vec<Value>,
        active: i64,
    }

    #[tokio::test]
    async fn it_opens_and_changes() -> anywidget_host::Result<()> {
        let host = Host::builder().widget(Tabs::widget());
        let host = host.build().await?;

        let start = Tabs {
            tabs: vec![
                json!({"label": "Counter", "ref": "anywidget:counter"}).into(),
                json!({"label": "Range", "ref": "anywidget:slider"}).into(),
                json!({"label": "Sketch", "ref": "anywidget:sketch"}).into(),
            ],
            ..Default::default()
        };
        let tabs = host.open("tabs", || start).await?;

        // Every open view follows.
        tabs.update(|state| state.active += 1);

        // Goes into any page.
        let html = tabs.view();

        crate::check(&tabs, html, "widgets/tabs/widget.json", 1);
        Ok(())
    }
}

#[rustfmt::skip]
mod bare {
    use anywidget_host::{Host, Widget};

    #[derive(Clone, Default, Widget)]
    #[widget(
        esm = include_str!("../tests/widgets/bare.js"),
        css = include_str!("../tests/widgets/bare.css"),
    )]
    struct Bare {
        r#match: f64,
    }

    #[tokio::test]
    async fn it_opens_and_changes() -> anywidget_host::Result<()> {
        let host = Host::builder().widget(Bare::widget());
        let host = host.build().await?;

        let start = Bare { r#match: 1.0 };
        let bare = host.open("bare", || start).await?;

        // Every open view follows.
        bare.update(|state| state.r#match += 0.5);

        // Goes into any page.
        let html = bare.view();

        crate::check(&bare, html, "tests/widgets/bare.json", 1);
        Ok(())
    }
}

#[rustfmt::skip]
mod odd {
    use anywidget_host::{Blob, Host, Value, Widget};
    use serde_json::json;

    #[derive(Clone, Default, Widget)]
    #[widget(path = "tests/widgets/odd")]
    struct Odd {
        r#type: String,
        #[serde(rename = "self")]
        self_: bool,
        #[serde(rename = "maxValue")]
        max_value: i64,
        #[serde(rename = "max-value")]
        max_value_2: f64,
        #[serde(rename = "2d")]
        n2d: Vec<Vec<f64>>,
        _own: i64,
        none: Option<Value>,
        some: Vec<Option<String>>,
        mixed: Vec<Value>,
        nested: Value,
        bytes: Blob,
        big: u64,
        nan: f64,
        large: f64,
        empty: Vec<Value>,
        flags: Vec<bool>,
        object: Value,
        long: String,
    }

    #[tokio::test]
    async fn it_opens_and_changes() -> anywidget_host::Result<()> {
        let host = Host::builder().widget(Odd::widget());
        let host = host.build().await?;

        // Starts with more than fits here: nested, bytes, long.
        let start = Odd {
            r#type: "a \"word\"\nand \\ another".into(),
            self_: true,
            max_value: 9,
            max_value_2: 2.5,
            n2d: vec![vec![1.0, 2.5], vec![]],
            _own: -1,
            some: vec![Some("x".into()), None],
            mixed: vec![
                json!(1).into(),
                json!("two").into(),
                json!({"three": null}).into(),
            ],
            big: 18446744073709551615,
            nan: f64::NAN,
            large: 1e300,
            flags: vec![true, false],
            object: json!({"a key": [1, "ä"]}).into(),
            ..Default::default()
        };
        let odd = host.open("odd", || start).await?;

        // Every open view follows.
        odd.update(|state| state.max_value += 1);

        // Goes into any page.
        let html = odd.view();

        crate::check(&odd, html, "tests/widgets/odd/widget.json", 4);
        Ok(())
    }
}
