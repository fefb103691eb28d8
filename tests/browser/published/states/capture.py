"""Needs Python 3.11 or newer with pip and a package index: `python3 capture.py [PACKAGE...]` writes PACKAGE.json beside itself.

The states that published widgets start with, taken once from their own Python classes, so that the tests need none of
them. Every package gets an environment of its own (they ask for versions of each other's dependencies that exclude one
another) in $CAPTURE_ENVIRONMENTS, or in a temporary folder.
"""

import base64
import inspect
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent

# What ipywidgets keeps in every state, for its own pages.
OF_IPYWIDGETS = re.compile(r"_(model|view)_(module|module_version|name|count)|_dom_classes|_anywidget_id|layout|tooltip|tabbable")
REFERENCE = re.compile(r"(IPY_MODEL_|anywidget:)([0-9a-f]{32})")

# By name: the exact version, what else its examples need, and a function that gives the widgets.
PACKAGES = {}


def package(name, version, *needs):
    def register(widgets):
        PACKAGES[name] = (version, needs, widgets)

    return register


def main(names):
    folder = os.environ.get("CAPTURE_ENVIRONMENTS") or tempfile.mkdtemp()
    for name in names or PACKAGES:
        version, needs, _ = PACKAGES[name]
        environment = Path(folder, name)
        python = environment / "bin" / "python"
        if not python.exists():
            venv.create(environment, with_pip=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", f"{name}=={version}", *needs], check=True)
        subprocess.run([python, __file__, "--inside", name], check=True)


def capture(name):
    """Inside the environment of the package."""
    version, _, widgets = PACKAGES[name]
    captured = {}
    for title, widget in widgets():
        ids = {}
        state = state_of(widget, title, ids)
        captured[title] = source_of(widget) | {"state": state}
        children = {ids[other]: child for other, child in children_of(widget, title, ids)}
        if children:
            captured[title]["children"] = children
    text = json.dumps({"package": name, "version": version, "widgets": captured}, indent=1, ensure_ascii=False, allow_nan=False)
    # Lists of numbers on one line.
    text = re.sub(r"\[\s+((?:[-\d.e+]+|null|true|false),?\s*)+\]", lambda list: re.sub(r"\s+", " ", list[0]).replace("[ ", "[").replace(" ]", "]"), text)
    (HERE / f"{name}.json").write_text(text + "\n")
    print(f"{name}: {len(captured)} widgets, {len(text)} bytes")


def state_of(widget, title, ids):
    """Without what ipywidgets and anywidget add; references name the models as they will be called here."""
    state = {key: value for key, value in widget.get_state().items() if key not in ("_esm", "_css") and not OF_IPYWIDGETS.fullmatch(key)}
    return plain(state, lambda id: ids.setdefault(id, f"{title}-{len(ids) + 1}"))


def children_of(widget, title, ids):
    """Every model that the state refers to, and those that they refer to."""
    from ipywidgets.widgets import widget as all_widgets

    done = set()
    while waiting := [id for id in ids if id not in done]:
        for id in waiting:
            done.add(id)
            child = all_widgets._instances[id]
            source = source_of(child) if hasattr(type(child), "_esm") else {}
            yield id, source | {"state": state_of(child, title, ids)}


def plain(value, name):
    """JSON as widget.json has it."""
    if isinstance(value, dict):
        return {str(key): plain(item, name) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, name) for item in value]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"$bytes": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$number": {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")}
    if isinstance(value, str):
        return REFERENCE.sub(lambda found: found[1] + name(found[2]), value)
    return value


def source_of(widget):
    """Where the wheel has its module and its stylesheet: a file, or `file.py#Class._esm` for text inside a class."""
    source = {}
    for key, attribute in (("esm", "_esm"), ("css", "_css")):
        text = str(getattr(widget, attribute, "") or "")
        if not text.strip():
            continue
        owner = next(kind for kind in type(widget).__mro__ if attribute in vars(kind))
        file = Path(inspect.getsourcefile(owner))
        top = next(parent for parent in file.parents if not (parent / "__init__.py").exists())
        kinds = (".js", ".mjs") if key == "esm" else (".css",)
        beside = [found for found in sorted((top / file.relative_to(top).parts[0]).rglob("*")) if found.suffix in kinds]
        path = next((found for found in beside if found.read_text(encoding="utf-8") == text), None)
        source[key] = str(path.relative_to(top)) if path else f"{file.relative_to(top)}#{owner.__name__}.{attribute}"
    return source


# The first list.


@package("drawdata", "0.5.2")
def _():
    from drawdata import ScatterWidget

    yield "ScatterWidget", ScatterWidget()


@package("ipymario", "0.1.0")
def _():
    from ipymario import Widget

    yield "Widget", Widget(size=100)


@package("ipymafs", "0.1.0")
def _():
    import ipymafs

    yield "Line", ipymafs.Line()
    yield "Bezier", ipymafs.Bezier()
    yield "Ellipse", ipymafs.Ellipse()


@package("graphviz-anywidget", "0.8.0")
def _():
    from graphviz_anywidget import GraphvizAnyWidget

    yield "GraphvizAnyWidget", GraphvizAnyWidget(dot_source="digraph { a -> b; b -> c; c -> a; }")


@package("plotly", "7.1.0", "anywidget", "numpy")
def _():
    import numpy as np
    import plotly.graph_objects as go

    data = [go.Scatter(x=np.array([1.0, 2, 3]), y=[2, 1, 3], uid="t0", mode="lines+markers")]
    yield "FigureWidget", go.FigureWidget(data, {"width": 600, "height": 400, "template": "none"})


@package("jupyter-scatter", "1.0.1")
def _():
    import jscatter
    import pandas as pd

    points = pd.DataFrame({"x": [-0.5, 0, 0.5, 0.5, -0.5], "y": [-0.5, 0, 0.5, -0.5, 0.5]})
    yield "JupyterScatter", jscatter.Scatter(data=points, x="x", y="y", width=400, height=300, size=20).widget


@package("moutils", "0.3.12")
def _():
    import moutils

    def bare(widget):
        """It comes wrapped for marimo where that is installed."""
        return getattr(widget, "widget", widget)

    yield "CookieManager", bare(moutils.CookieManager())
    yield "CopyToClipboard", bare(moutils.CopyToClipboard(text="hi", button_text="Copy", success_text="Copied"))
    yield "DOMQuery", bare(moutils.DOMQuery(selector="body"))
    yield "ShellWidget", bare(moutils.ShellWidget(command="echo hi"))
    yield "Slot", bare(moutils.Slot(children="<b>hello</b>", on_mouseenter=print))
    yield "StorageItem", bare(moutils.StorageItem(key="colour", data="red"))
    yield "URLHash", bare(moutils.URLHash())
    yield "URLInfo", bare(moutils.URLInfo())
    yield "URLPath", bare(moutils.URLPath())


# More of them.


@package("widget-periodictable", "4.2.1")
def _():
    from widget_periodictable import PTableWidget

    yield "PTableWidget", PTableWidget(states=2, selected_elements={"C": 0, "Si": 1}, disabled_elements=["B", "Al"])


@package("cev", "0.2.2", "pyarrow<20")
def _():
    from cev.components import MarkerSelectionIndicator, WidthOptimizer

    yield "MarkerSelectionIndicator", MarkerSelectionIndicator(markers=["CD3", "CD8", "CD4"], active=[True, False, True])
    yield "WidthOptimizer", WidthOptimizer()


@package("pyobsplot", "0.5.4", "pandas")
def _():
    import pandas as pd
    from pyobsplot import Plot
    from pyobsplot.widget import ObsplotWidget

    points = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [2.0, 1.0, 3.0]})
    yield "ObsplotWidget", ObsplotWidget(spec={"marks": [Plot.dot(points, {"x": "x", "y": "y"})], "grid": True})


@package("anymap-ts", "0.17.2")
def _():
    import anymap_ts

    map = anymap_ts.LeafletMap(center=[13.4, 52.5], zoom=9, height="400px")
    map.add_geojson({"type": "Feature", "properties": {}, "geometry": {"type": "LineString", "coordinates": [[13.2, 52.4], [13.6, 52.6]]}})
    yield "LeafletMap", map
    yield "OpenLayersMap", anymap_ts.OpenLayersMap(center=[13.4, 52.5], zoom=9, height="400px")
    line = {"type": "geojson", "data": {"type": "LineString", "coordinates": [[13.2, 52.4], [13.6, 52.6]]}}
    layers = [{"id": "sea", "type": "background", "paint": {"background-color": "#88aacc"}}, {"id": "line", "type": "line", "source": "line"}]
    yield "MapLibreMap", anymap_ts.MapLibreMap(center=[13.4, 52.5], zoom=9, height="400px", style={"version": 8, "sources": {"line": line}, "layers": layers})


@package("anyplotlib", "0.11.0")
def _():
    import anyplotlib
    import numpy as np

    figure, axes = anyplotlib.subplots(1, 1, figsize=(400, 300))
    axes.plot(np.sin(np.linspace(0, 6, 50)))
    yield "Figure", figure


@package("qsharp-widgets", "1.33.1")
def _():
    import qsharp_widgets as q

    class Circuit:
        def json(self):
            return json.dumps({"qubits": [{"id": 0, "numResults": 0}], "componentGrid": [{"components": [{"kind": "unitary", "gate": "H", "targets": [{"qubit": 0}]}]}]})

    water = "3\nwater\nO 0.000 0.000 0.117\nH 0.000 0.757 -0.469\nH 0.000 -0.757 -0.469\n"
    yield "Histogram", q.Histogram(bar_values={"00": 0.5, "01": 0.1, "11": 0.4})
    yield "Circuit", q.Circuit(Circuit())
    yield "BlochSphere", q.BlochSphere("X H Z")
    yield "Entanglement", q.Entanglement(s1_entropies=[0.2, 0.9, 0.5], mutual_information=[[0, 0.4, 0.1], [0.4, 0, 0.6], [0.1, 0.6, 0]])
    yield "MoleculeViewer", q.MoleculeViewer(water)


@package("mopaint", "0.4.1")
def _():
    from mopaint import Paint

    yield "Paint", Paint(height=300, width=400)


@package("weas-widget", "0.2.6")
def _():
    from ase.build import molecule
    from weas_widget import WeasWidget

    viewer = WeasWidget()
    viewer.from_ase(molecule("H2O"))
    yield "BaseWidget", viewer._widget


@package("lonboard", "0.16.0", "geopandas", "pyarrow")
def _():
    import geopandas
    from lonboard import Map, ScatterplotLayer
    from shapely import Point

    places = geopandas.GeoDataFrame(geometry=[Point(13.4, 52.5), Point(13.5, 52.55), Point(13.3, 52.45)], crs=4326)
    layer = ScatterplotLayer.from_geopandas(places, get_radius=60, radius_units="pixels", get_fill_color=[200, 30, 60])
    yield "Map", Map(layer, basemap=None, view_state={"longitude": 13.4, "latitude": 52.5, "zoom": 8})


@package("wigglystuff", "0.5.36", "numpy", "pandas", "matplotlib", "pillow", "altair")
def _():
    import altair
    import matplotlib
    import numpy as np
    import pandas as pd
    import wigglystuff as w
    from PIL import Image
    from wigglystuff.scatter_widget import ScatterWidget

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    def figure():
        figure, axes = plt.subplots(figsize=(4, 3), dpi=60)
        axes.scatter([1, 2, 3], [2, 1, 3])
        return figure

    def square(colour):
        return Image.new("RGB", (64, 64), colour)

    points = pd.DataFrame({"x": [1, 2, 3, 4], "y": [4, 1, 3, 2], "label": ["a", "a", "b", "b"]})
    paths = {"analytics/cluster/Agg": {"hours": 10, "count": 5}, "analytics/graph/Shortest": {"hours": 6, "count": 2}, "animate/Easing": {"hours": 4, "count": 8}}
    step = [{"element": "any-widget", "popover": {"title": "Here", "description": "A widget"}}]

    yield "AltairWidget", w.AltairWidget(altair.Chart(points).mark_point().encode(x="x:Q", y="y:Q"), width=300, height=200)
    yield "AnnotationWidget", w.AnnotationWidget()
    yield "ApiDoc", w.ApiDoc(Example)
    flow = w.AsyncFlow()
    flow.events = [event(0, "call", 1), event(5, "suspend", 2), event(60, "resume", 2), event(80, "return", 3)]
    flow.now_ms = 100.0
    yield "AsyncFlow", flow
    yield "BezierCurve", w.BezierCurve()
    yield "CellTour", w.CellTour([{"cell": 0, "title": "Imports", "description": "Load libraries"}])
    yield "ChartMultiSelect", w.ChartMultiSelect(figure())
    yield "ChartPuck", w.ChartPuck(figure())
    yield "ChartSelect", w.ChartSelect(figure())
    yield "CircularRangeSlider", w.CircularRangeSlider(value=(20, 80))
    yield "CircularSlider", w.CircularSlider(value=42)
    yield "ColorPicker", w.ColorPicker(color="#ff5733")
    yield "CopyToClipboard", w.CopyToClipboard("Hello")
    axis = [{"name": "Angle", "values": [0, 45, 90]}, {"name": "Force", "values": [0, 50, 100]}, {"name": "Time", "values": [0, 1, 2]}]
    yield "CubeWidget", w.CubeWidget(*axis)
    yield "CurveEditor", w.CurveEditor()
    yield "DriverTour", w.DriverTour(step)
    yield "EdgeDraw", w.EdgeDraw(["A", "B", "C", "D"])
    yield "EnvConfig", w.EnvConfig(["SOME_KEY"])
    yield "EsmWidget", w.EsmWidget("export default { render({ model, el }) { const draw = () => { el.textContent = `n is ${model.get('data').n}` }; draw(); model.on('change:data', draw) } }", data={"n": 1})
    yield "Excalidraw", w.Excalidraw(height=300)
    yield "Fader", w.Fader(label="Level")
    yield "FormulaAnimation", w.FormulaAnimation([{"tex": "a^2", "note": "one"}, {"tex": "b^2", "note": "two"}])
    yield "FramePlayer", w.FramePlayer([square("red"), square("green"), square("blue")])
    yield "GamepadWidget", w.GamepadWidget()
    yield "GraphWidget", w.GraphWidget(["Alpha", "Beta"], [("Alpha", "Beta")], width=500)
    yield "GridDraw", w.GridDraw()
    yield "HTMLRefreshWidget", w.HTMLRefreshWidget(html="<p>one</p>")
    yield "HeatmapSelect", w.HeatmapSelect(np.arange(48).reshape(6, 8) / 48, cell_width=20, cell_height=20)
    yield "HoverSlider", w.HoverSlider(start=0, stop=100, step=1, value=42)
    yield "HoverZoom", w.HoverZoom(figure(), width=300)
    yield "ImageRefreshWidget", w.ImageRefreshWidget(src=uri(square("red")))
    yield "KeystrokeWidget", w.KeystrokeWidget()
    yield "Knob", w.Knob(value=5, max_value=11, label="Gain")
    yield "LiveEdit", w.LiveEdit("def f(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total\n", args=(3,))
    yield "ManimWeb", w.ManimWeb("container.textContent = 'scene'")
    yield "Matrix", w.Matrix(rows=2, cols=3, min_value=0, max_value=10)
    yield "MidiButton", w.MidiButton("Fire")
    tree = w.ModuleTreeWidget()
    tree.tree = module("Sequential", "", [module("Linear", "0", []), module("ReLU", "1", [])])
    yield "ModuleTreeWidget", tree
    yield "Neo4jWidget", w.Neo4jWidget(Driver(), width=500, height=300)
    yield "NestedTable", w.NestedTable.from_paths(paths)
    yield "ObservablePlot", w.ObservablePlot("Plot.plot({ marks: [Plot.ruleY([0])] })")
    yield "Paint", w.Paint(width=400, height=300)
    yield "ParallelCoordinates", w.ParallelCoordinates(points.to_dict("records"), height=300, width=500)
    yield "Pip", w.Pip(w.Slider2D(width=300, height=300))
    yield "PlaySlider", w.PlaySlider(max_value=50)
    yield "ProgressBar", w.ProgressBar(value=20)
    yield "RidgelineChart", w.RidgelineChart(pd.DataFrame([[1, 3, 2, 1], [2, 1, 4, 1], [1, 2, 1, 3]]), height=200)
    log = w.ScatterLog()
    log.append(x=1, y=2, color="a")
    yield "ScatterLog", log
    yield "ScatterWidget", ScatterWidget()
    yield "Slider2D", w.Slider2D(width=300, height=300)
    yield "SortableList", w.SortableList(["apple", "banana", "cherry"], removable=True)
    yield "SplineDraw", w.SplineDraw(lambda x, y: (np.sort(x), y[np.argsort(x)]))
    yield "StateViewer", w.StateViewer(search, lambda total: f"<b>{total}</b>", args=([3, 1, 2],))
    yield "TangleChoice", w.TangleChoice(["small", "medium", "large"])
    yield "TangleDistribution", w.TangleDistribution()
    yield "TangleFunction", w.TangleFunction(train)
    yield "TangleLatex", w.TangleLatex(r"\tangle{a}x^2", {"a": {"value": 2, "min_value": 0, "max_value": 5}})
    yield "TangleSelect", w.TangleSelect(["red", "green", "blue"])
    yield "TangleSlider", w.TangleSlider(50, 0, 100)
    yield "TextCompare", w.TextCompare("The quick brown fox jumps over the lazy dog.", "A quick brown fox jumps over a lazy dog.")
    yield "ThreeWidget", w.ThreeWidget(data=[{"x": 1, "y": 2, "z": 3, "color": "tomato", "size": 0.5}, {"x": -1, "y": 0.5, "z": -2, "color": "#22c55e", "size": 0.5}], show_axes=True, width=400, height=300)
    yield "TraceView", w.TraceView([span("a", None, 0, 50, "ask"), span("b", "a", 10, 30, "search")])
    yield "Treemap", w.Treemap.from_paths(paths, value_col="hours")
    yield "WebcamCapture", w.WebcamCapture()
    yield "WebkitSpeechToTextWidget", w.WebkitSpeechToTextWidget()


class Example:
    """A class with one method."""

    def greet(self, name: str) -> str:
        """Says hello to `name`."""
        return name


class Driver:
    """A database of Neo4j that is empty."""

    def session(self, database=None):
        return self

    def run(self, query):
        return []

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


def search(items):
    total = 0
    for item in items:
        total += item
    return total


def train(rate: float = 0.01, epochs: int = 10, shuffle: bool = True):
    pass


def uri(image):
    import io

    file = io.BytesIO()
    image.save(file, "png")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def event(at, kind, line):
    return {"t_ms": at, "coro": "main", "event": kind, "task": "Task-1", "line": line, "detail": ""}


def module(kind, name, children):
    counts = {"own_param_count": 10, "own_trainable_count": 10, "total_param_count": 10, "total_trainable_count": 10, "total_size_bytes": 40}
    return {"name": name, "type": kind, "extra_repr": "", "params": [], "buffers": [], "children": children, **counts}


def span(id, parent, start, end, name):
    times = {"start_ms": 1_700_000_000_000 + start, "end_ms": 1_700_000_000_000 + end}
    return {"span_id": id, "parent_id": parent, "trace_id": "t", "name": name, **times}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        capture(sys.argv[2])
    else:
        main(sys.argv[1:])
