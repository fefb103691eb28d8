/** Shapes that several modules share. For the type checker and the reader: browsers never fetch this file. */

export type Frame = { type: string; [field: string]: any };
export type State = Record<string, any>;
export type Bytes = ArrayBuffer | ArrayBufferView;
export type Callback = (...args: any[]) => unknown;

/** URLs of a widget's code; null or absent for a data-only model. */
export type Code = { esm?: string | null; css?: string | null };

/** A whole state that came with the page. */
export type Seed = { epoch: string; rev: number; state: State };

/** A value that is not in the frame that tells of it: the rev that wrote it, and about how many bytes it has. */
export type Large = { rev: number; size: number };

/** How far a large value is, on its way here (`down`) or to the host (`up`). In bytes. */
export type Progress = { key?: string; loaded: number; total: number; done: boolean };

/** One key of a replica. */
export type Slot = {
  /** The value as it travels; never given away, so never mutated. */
  copy: any;
  /** The reference that widgets hold, once one was `lent`. */
  live?: any;
  lent: boolean;
  /** Of the frame that told of it last, in this epoch. */
  rev?: number;
  /** Who set it, if it was set here. */
  by?: unknown;
};

/** Whose change it was: of the view that tells it, of another view in this page or another one, of the host itself. */
export type Origin = "view" | "other" | "host";

/** The `detail` of `anywidget:change` and `anywidget:change:KEY`. */
export type Change = { key: string; readonly value: any; origin: Origin };

export type Listener = {
  /** The model-like object it was registered on. */
  owner: { changed?: State };
  /** Aborted when the hook that registered it ends. */
  signal: AbortSignal;
  name: string;
  callback: Callback;
  gone?: boolean;
};

/** A model as widgets see it: AFM's, plus what published widgets use beyond it. */
export type Facade = {
  model_id: string;
  widget_manager: Manager;
  changed?: State;
  get(key: string): any;
  set(key: string | State, value?: unknown): Facade;
  save_changes(): void;
  send(content: unknown, callbacks?: unknown, buffers?: Iterable<unknown> | null): void;
  on(names: string, callback: Callback): void;
  off(names?: string | null, callback?: Callback | null): void;
  /** Of old ipywidgets, for containers. */
  send_sync_message(state: State): void;
  /** The names in the state of the moment. */
  keys(): string[];
  /** May this page set the key? As of the last hello: the host has the last word, by `anywidget:refused`. */
  writable(key: string): boolean;
};

/** What a form has for a field. */
export type Posted = string | File;

/** `<any-widget>`, for the page around it: also a form control, as native ones are. */
export interface AnyWidgetElement extends HTMLElement {
  name: string;
  disabled: boolean;
  required: boolean;
  readonly type: string;
  /** What is posted: a text or a file, or a list of several or none. Pages that want the value itself take `getModel()`. */
  readonly value: Posted | Posted[];
  readonly form: HTMLFormElement | null;
  readonly labels: NodeList;
  readonly validity: ValidityState;
  readonly validationMessage: string;
  readonly willValidate: boolean;
  checkValidity(): boolean;
  reportValidity(): boolean;
  /**
   * The model of the view, as its widget is given it, once the state is known. Each call gives an object with
   * listeners of its own. They end when the element leaves the page or shows another model, or with the signal;
   * then `set`, `save_changes` and `send` do nothing but warn.
   *
   * Rejects where no model is shown, when the model ends before its state is known, and with the signal's reason.
   */
  getModel(options?: { signal?: AbortSignal }): Promise<Facade>;
}

declare global {
  interface HTMLElementTagNameMap {
    "any-widget": AnyWidgetElement;
  }
}

/** The legacy way to other models, as in Jupyter. */
export type Manager = {
  get_model(id: string): Promise<Facade>;
  create_view(model: Facade): Promise<{ el: HTMLElement; remove(): void }>;
};

export type Host = {
  getModel(ref: unknown): Promise<Facade>;
  getWidget(ref: unknown): Promise<{ exports: unknown; render(options: { el: HTMLElement; signal?: AbortSignal }): Promise<void> }>;
};

/** `experimental.invoke`. */
export type Invoke = (name: string, msg?: unknown, options?: { buffers?: Iterable<unknown>; signal?: AbortSignal }) => Promise<[any, DataView[]]>;

export type Definition = { initialize?: (props: any) => unknown; render?: (props: any) => unknown };
export type Failure = { phase: string; error: unknown };

/** How a start of a widget's code ended. */
export type Outcome = { definition: Definition; failure?: Failure };

/** `connecting` is the first attempt only. */
export type ConnectionState = "connecting" | "live" | "offline";

export type Hooks = {
  /** A promise, when the next frame has to wait. */
  frame(frame: Frame): Promise<void> | void;
  /** How far a large frame of ours is. */
  sending(progress: Progress): void;
  state(state: ConnectionState): void;
  /** The host closed for good. */
  closed(reason: string): void;
};

/** What a connection uses of `window`, so that tests can bring their own. */
export type Environment = EventTarget & {
  WebSocket: new (url: string, protocol: string) => WebSocket;
  setTimeout(run: () => void, ms: number): any;
  clearTimeout(timer: any): void;
  performance: { now(): number };
  Math: { random(): number };
  document: { visibilityState: string };
};
