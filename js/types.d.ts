/** Shapes that several modules share. For the type checker only: browsers never fetch this file. */

export type Frame = { type: string; [field: string]: any };
export type State = Record<string, any>;
export type Bytes = ArrayBuffer | ArrayBufferView;

/** Urls of a widget's code; null or absent for a data-only model. */
export type Code = { esm?: string | null; css?: string | null };

/** A whole state that came with the page. */
export type Seed = { epoch: string; rev: number; state: State };

export type Slot = {
  /** The value as it travels; never given away, so never mutated. */
  copy: any;
  /** The reference that widgets hold, once one was `lent`. */
  live?: any;
  lent: boolean;
};

export type Listener = {
  /** The model-like object it was registered on. */
  owner: { changed?: State };
  signal: AbortSignal;
  name: string;
  callback: (...args: any[]) => unknown;
  gone?: boolean;
};

/** A model as widgets see it: AFM's, plus what published widgets use beyond it. */
export type Facade = {
  model_id: string;
  widget_manager: object;
  changed?: State;
  get(key: string): any;
  set(key: string | State, value?: unknown): Facade;
  save_changes(): void;
  send(content: unknown, callbacks?: unknown, buffers?: Iterable<unknown> | null): void;
  on(names: string, callback: (...args: any[]) => unknown): void;
  off(names?: string | null, callback?: ((...args: any[]) => unknown) | null): void;
  /** Of old ipywidgets, for containers. */
  send_sync_message(state: State): void;
};

export type Definition = { initialize?: (props: any) => unknown; render?: (props: any) => unknown };
export type Failure = { phase: string; error: unknown };

/** `connecting` is the first attempt only. */
export type ConnectionState = "connecting" | "live" | "offline";

export type Hooks = {
  frame(frame: Frame): void;
  state(state: ConnectionState): void;
  /** The host closed for good. */
  closed(reason: string, code: number): void;
};

/** What a connection takes from the browser, so that tests can bring their own. */
export type Environment = {
  WebSocket: new (url: string, protocol: string) => WebSocket;
  setTimeout(run: () => void, ms: number): any;
  clearTimeout(timer: any): void;
  now(): number;
  random(): number;
  page: EventTarget & { document?: { visibilityState: string } };
};
