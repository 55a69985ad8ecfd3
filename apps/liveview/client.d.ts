// The types of static/liveview/*.js, for a type checker and for readers. No browser loads this file.
//
//   tsc --allowJs --checkJs --strict --noEmit --target esnext --module esnext --moduleResolution bundler \
//     apps/liveview/client.d.ts apps/liveview/static/liveview/*.js

declare namespace LiveView {
  // What a page's own JavaScript may use

  /** `window.liveview`; null on a page without a live root. */
  interface Public {
    root: HTMLElement;
    connection: Connection;
    /** Runs an event handler; resolves when everything it changed is on the page. */
    event(name: string, params?: object): Promise<void>;
    /** Runs a server function; resolves to its value. Rejects with a `Failure`. */
    call(name: string, params?: object): Promise<any>;
    /** Registers a `dj-hook`. */
    hook(name: string, functions: HookFunctions): void;
    /** Adds another package's extension to the page. */
    use(extension: Extension): void;
    send(message: object): void;
    /** Logs all messages, until the tab is closed. */
    debug(on?: boolean): Promise<void>;
    /** Delays all messages by so many ms each way, until the page is left. */
    latency(ms: number): Promise<void>;
  }

  /** Why an event or a call failed. */
  interface Failure extends Error {
    /** The server's code; "disconnected" if it didn't answer; "unreachable" if it was not even asked. */
    code: string;
    /** Of a `server_error`: the id under which the server logged it. */
    id?: string;
  }

  /** Each function is called with `this` being a `Hook`. */
  interface HookFunctions {
    mounted?(this: Hook): void;
    updated?(this: Hook): void;
    destroyed?(this: Hook): void;
    disconnected?(this: Hook): void;
    reconnected?(this: Hook): void;
    [other: string]: unknown;
  }

  interface Hook {
    el: HTMLElement;
    event(name: string, params?: object): Promise<void>;
    call(name: string, params?: object): Promise<any>;
    /** Calls `act` with what the server pushes as `event`, for as long as the element is there. */
    handle(event: string, act: (detail: any) => void): void;
    [other: string]: any;
  }

  /** What another package does for the page. */
  interface Extension {
    /** What the server must not change of an element. */
    keep?(element: Element): "" | "children" | "self" | undefined;
    /** Whether there is work: the tab then stays connected, and the visitor is asked before leaving the page. */
    busy?(): unknown;
    /** Resolves when a form may be sent, or to false if it must not be. */
    readyToSubmit?(form: HTMLFormElement): unknown;
    mounted?(): void;
    /** Mounted again. */
    reconnected?(): void;
    /** Mounted again, and the view has lost its state. */
    recover?(): void;
    disconnected?(): void;
    /** A heartbeat is answered, and so is all that was sent before it. */
    answered?(): void;
    /** No socket can be opened, and it may stay that way. */
    failed?(): void;
    /** The page has changed. */
    changed?(): void;
    /** A message that isn't the runtime's. */
    received?(message: any): void;
  }

  // dom.js

  type Dom = <Kind extends object>(node: Kind) => Kind;

  // gettext.js

  /** A text in the page's language; its `%(name)s` are values. */
  type Gettext = (text: string, values?: Record<string, any>) => string;

  // once.js

  type Once = <Made>(name: string, make: () => Made) => Made;

  // morph.js

  /**
   * Turns an element's children into the DOM of some HTML, changing as little as possible.
   *
   * Each node has a twin: itself as the *server* last rendered it. An attribute is touched where twin and new HTML differ
   * (`class`: word by word), so what client or visitor put there (`disabled`, `open`, a class) stays until the server
   * changes it. `value`, `checked` and `selected` follow the same rule; what the visitor is editing is never overwritten.
   * Children are made exact: an `id` stays the same node wherever it moves, others are matched among siblings, and a node
   * without a twin, which isn't the server's, matches nothing and goes. Left alone: `dj-ignore`, what `keep` says, and
   * the client's own nodes (`liveOwned === true`).
   *
   * `keep` is asked for each element that stays: "self" leaves it and its children alone, "children" its children.
   */
  type Morph = (root: Element, html: string, options?: { keep?: (element: Element) => "" | "children" | "self" }) => void;
  /** The same for an element itself, not only for its children. Another kind of element takes its place. */
  type Update = (element: Element, html: string, options?: { keep?: (element: Element) => "" | "children" | "self" }) => void;
  /** Takes the DOM as the server's last render, as the first `morph` would: for the first paint. */
  type Remember = (root: Element) => void;

  // messages.js

  interface Messages {
    mount(url: string, snapshot: string | null): object;
    event(ref: number, name: string, params: object): Question["message"];
    call(ref: number, name: string, params: object): Question["message"];
    url(url: string): object;
    html(): object;
    heartbeat(): object;
  }

  // connection.js

  type State = "connecting" | "connected" | "reconnecting" | "failed";
  type Timer = number | undefined;

  /** All in ms. */
  interface Times {
    /** How long the server may be silent before it is asked for a sign of life. */
    heartbeat: number;
    /** How long it has to give one, or to open a socket. */
    answer: number;
    /** The longest pause between two tries. */
    longest: number;
    /** The longest pause between two tries once the connection has failed. */
    failed: number;
    /** How long a socket must live to count as good. */
    stable: number;
    /** How long the first mount may take before the connection counts as failed. */
    patience: number;
  }

  interface Owner {
    readonly isBusy: unknown;
    opened(): void;
    received(message: any): void;
    closed(): void;
    changed(state: State): void;
    /** Reloads the page, but not over and over. */
    reload(): void;
  }

  interface Connection {
    path: string;
    /** "failed": given up for the moment. Events are refused, forms may be posted, retries are rare. */
    state: State;
    times: Times;
    owner?: Owner;
    socket: WebSocket | null;
    /** The socket's deadline, or the next try. */
    timer?: Timer;
    patience?: Timer;
    /** Tries since a socket was good. */
    tries: number;
    /** Sockets that broke soon after opening, since one was good. */
    crashes: number;
    openedAt: number;
    readonly isOpen: boolean;
    start(path: string, owner: Owner): void;
    open(): void;
    send(message: object): void;
    /** Sends a frame as it is. */
    sendBinary(data: string | ArrayBuffer): void;
    receive(data: string): void;
    /** The view is mounted. */
    settled(): void;
    /** Drops the socket as a broken network would, and goes on from there. */
    cut(): void;
    /** The same, when the server is to blame. */
    crash(): void;
    /** Asks the server for a sign of life; without one the socket is cut. */
    probe(): void;
    retryNow(): void;
    /** Closes the socket until the visitor comes back. */
    rest(state: State): void;
    /** Drops the socket; returns whether there was one. */
    drop(): boolean;
    await(what: "heartbeat" | "answer"): void;
    after(wait: number, act: () => void): void;
    lost(code?: number): void;
    /** How long until the next try, which it counts. */
    wait(): number;
    become(state: State): void;
  }

  // live.js

  interface Question {
    message: { type: string };
    /** The message as it is sent. */
    text: string;
    isSent: boolean;
    resolve(value?: any): void;
    reject(error: Failure): void;
  }

  interface Live extends Public, Owner {
    extensions: Extension[];
    /** The last message of each type that isn't the runtime's, for extensions that come late. By type. */
    heard: Map<string, any>;
    refs: number;
    /** By ref. */
    waiting: Map<number, Question>;
    /** What the server rendered last, and the number of that rendering. */
    html: string;
    version: number;
    /** Names the state to restore after a reconnect. */
    snapshot: string | null;
    isMounted: boolean;
    /** Bytes that a message to the server may have. */
    most: number;
    /** We leave the page ourselves: the visitor isn't asked. */
    isLeaving: boolean;
    /** The URL that the server knows. */
    address: string;
    /** Remembers what has the focus in an element that is about to change; `restore` gives it back, if that is still there. */
    hold(root: Element): { restore(): void };
    /** The functions registered for `dj-hook`, by name. */
    hooks: Map<string | null, HookFunctions>;
    readonly isFailed: boolean;
    start(root: HTMLElement): Promise<void>;
    /** Runs a form's event when all extensions are ready for it. */
    submit(form: HTMLFormElement, name: string, params: object): Promise<void>;
    /** Asks the server, now or once the view is mounted. */
    ask(make: (ref: number) => Question["message"]): Promise<any>;
    /** Asks what had to wait. */
    flush(): void;
    /** Rejects questions that were not answered, or not even asked. */
    lose(code: "disconnected" | "unreachable"): void;
    answered(ref: number): Question | undefined;
    show(version: number, html: string): void;
    /** The page has changed. */
    rendered(): void;
    keep(element: Element): "" | "children" | "self";
    /** The visitor went back or forward. */
    moved(): void;
    each(name: keyof Extension, arg?: any): void;
    tap(how: How): Promise<void>;
  }

  // refocus.js

  /** What has the focus, from it up to the body, each with the siblings after and before it. */
  type Trail = [Element, Element | null, Element | null][];

  // top.js

  interface Top {
    /** What is kept on top. */
    elements: Set<any>;
    /** Called when another dialog is the last one, or none is. */
    watchers: Set<() => void>;
    /** The open ones, in the order of opening. */
    modals: Element[];
    last?: Element;
    readonly modal: Element | undefined;
    add(element: any): void;
    rise(): void;
  }

  // too_long.js

  type Refusal = (ref: number, text: string, size: number, most: number) => { ref: number; code: string; message: string };

  type Handlers = Record<string, (message: any) => void>;
  type MakeFailure = (code: string, message: string, id?: string) => Failure;

  // hooks.js

  interface Hooks extends Extension {
    alive: Map<Element, Hook>;
    changed(): void;
    mount(el: any): void;
  }

  // form.js

  type FormOf = (element: any) => HTMLFormElement | null;
  type Resubmit = (owner: { native: Element | null }, form: any, button: any) => void;

  // events.js, params.js, pace.js, pending.js

  type Kind = "click" | "submit" | "keydown" | "change" | "input";

  interface Events extends Extension {
    kinds: Kind[];
    /** Elements into which the visitor has entered something. */
    touched: WeakSet<Element>;
    /** A form that the browser is to send. */
    native: Element | null;
    listen(root: HTMLElement): void;
    /** Who listens to this field: itself, or else its form, wherever that is. */
    listener(field: Element, kind: Kind): Element | null | undefined;
    click(e: MouseEvent, element: HTMLElement): void;
    keydown(e: KeyboardEvent, element: HTMLElement): void;
    change(e: Event, element: HTMLElement): void;
    input(e: Event, element: HTMLElement): void;
    submit(e: SubmitEvent, form: any): Promise<void>;
    /** Sends what a field or a form holds now. */
    tell(element: any, kind: string): void;
    /** The server has lost what the visitor entered: sends it again. */
    recover(): void;
    send(element: any, kind: string, all: object, lock?: "lock"): Promise<void>;
  }

  interface Params {
    /** An element's data-* values: data-photo-id becomes photo_id. */
    data(element: HTMLElement): object;
    /** A field's own value: true or false for a checkbox, a list for a multiple select. */
    field(field: any): { value?: unknown };
    /** A form's fields, as lists where a name comes more than once. */
    form(form: HTMLFormElement, submitter: HTMLElement | null): object;
    /** A form's event. A field `_event` comes first, as when the form is posted. */
    event(form: HTMLFormElement, submitter: HTMLElement | null): any;
  }

  /** Something that may have to wait. */
  interface Held {
    element: Element;
    kind: string;
    field: any;
    act: (() => void) | null;
    timer?: Timer;
  }

  interface Pace {
    /** In order. */
    held: Set<Held>;
    /** Calls `act` for an event of this kind in `field`, now or later, as `element` wants it. */
    run(element: Element, kind: string, field: any, act: () => void): void;
    /** Runs at once what is held for the fields that are `wanted`. */
    flush(wanted: (field: any) => boolean): void;
    now(held: Held, every: number): void;
    hold(held: Held, wait: number, every: number): void;
    drop(held: Held): void;
  }

  interface PendingEvent {
    element: HTMLElement;
    name: any;
    /** Whether a second one has to wait. */
    kind?: "lock" | "submit";
  }

  interface Pending {
    events: Set<PendingEvent>;
    undos: (() => void)[];
    /** Marks `element` as waiting for the event `name`, until the returned function is called. */
    start(element: HTMLElement, name: PendingEvent["name"], kind?: PendingEvent["kind"]): () => void;
    some(test: (event: PendingEvent) => unknown): boolean;
    /** Runs `change` on the page without its marks. */
    without(change: () => void): void;
    mark(event: PendingEvent): void;
    /** Sets an attribute, or removes it for null. */
    set(element: Element, attribute: string, value: string | null): void;
  }

  // status.js

  interface Status {
    texts: Record<string, string>;
    banner: HTMLElement;
    timer?: Timer;
    shown?: State;
    /** What the visitor is told of modules that couldn't be loaded yet. */
    lacking: string;
    /** The browser says so, and no answer of the server says otherwise. */
    isOffline: boolean;
    start(): void;
    /** Classes live-connected, live-reconnecting and live-failed on the root element, and a banner. */
    show(state: State): void;
    /** The server can, or can't, be reached. */
    reach(isThere: boolean): void;
    /** Class live-lacking, and a line in the banner. */
    lack(what: string): void;
    draw(): void;
    flash(level: string, text: string): Promise<void>;
  }

  // load.js

  interface Loading {
    waiting: Map<Function, string>;
    /** What a visitor is told by default. */
    says: string;
    /** Says what is still to come; nothing is "". */
    tell(text: string): void;
  }

  /**
   * Loads a module with `() => import("./it.js")`: again and again, if that fails. Meanwhile the page says so.
   *
   * Such a module imports by `import … from` only what the page has anyway, and the rest like this: a browser may remember
   * what it couldn't load, and then only what is loaded here is asked for at another address.
   */
  type Load = <T>(start: () => Promise<T>, says?: string) => Promise<T>;

  // flash.js

  type Flash = (level: string, text: string) => void;

  // debug.js

  interface How {
    log?: boolean;
    /** Delay each way. */
    ms?: number;
  }

  type Tap = (connection: any, how: How) => void;
}
