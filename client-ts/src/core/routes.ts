// The types of events, read from what the app registered. Types only.

import type { Register } from "../register.js";
import type { FrameworkErrors, SyncError } from "./answer.js";

interface AnyRoute {
  clientInput: unknown;
  serverOutput: unknown;
  clientOutput: unknown;
  errors: string;
}

/** The app's events by name and version; any, when none are registered. */
export type RegisteredRoutes = Register extends { routes: infer Routes }
  ? Routes
  : Record<string, Record<string, AnyRoute>>;

type KnownErrors = FrameworkErrors & (Register extends { errors: infer Errors } ? Errors : unknown);

/** The name of an event, `page/event`. */
export type SyncEventName = keyof RegisteredRoutes & string;

/** A version of an event, `v1`, `v2`, ... (`Extract`, so that mistakes are answered with the versions that there are.) */
export type SyncEventVersion<Name extends SyncEventName> = Extract<keyof RegisteredRoutes[Name], string>;

/** What a client sends with an event. */
export type InputOf<
  Name extends SyncEventName,
  Version extends SyncEventVersion<Name>,
> = RegisteredRoutes[Name][Version] extends { clientInput: infer Input } ? Input : never;

/** What the event's server stage answers. */
export type ServerOutputOf<
  Name extends SyncEventName,
  Version extends SyncEventVersion<Name>,
> = RegisteredRoutes[Name][Version] extends { serverOutput: infer Output } ? Output : never;

/** What the event's client stage adds for this recipient. */
export type ClientOutputOf<
  Name extends SyncEventName,
  Version extends SyncEventVersion<Name>,
> = RegisteredRoutes[Name][Version] extends { clientOutput: infer Output } ? Output : never;

/** The codes that a request of this event may fail with: its own, the framework's and the client's. */
export type ErrorCodeOf<Name extends SyncEventName, Version extends SyncEventVersion<Name>> =
  | keyof FrameworkErrors
  | (RegisteredRoutes[Name][Version] extends { errors: infer Codes extends string } ? Codes : never);

type Flat<T> = { [Key in keyof T]: T[Key] };

/** The error with this code: a union over codes, to be narrowed by `errorCode`. */
export type SyncErrorWith<Code extends string> = Code extends keyof KnownErrors
  ? Flat<{ status: "error"; errorCode: Code; message: string } & KnownErrors[Code]>
  : Flat<SyncError & { errorCode: Code }>;

/** The errors that a request of this event may be answered with. */
export type SyncErrorOf<Name extends SyncEventName, Version extends SyncEventVersion<Name>> = SyncErrorWith<
  ErrorCodeOf<Name, Version>
>;

/** What a request is answered: to be narrowed by `status`, then by `errorCode`. */
export type SyncAnswer<Name extends SyncEventName, Version extends SyncEventVersion<Name>> =
  | { status: "success"; serverOutput: ServerOutputOf<Name, Version> }
  | SyncErrorOf<Name, Version>;

/** What to send, to whom. */
export interface SyncMessage<Name extends SyncEventName, Version extends SyncEventVersion<Name>> {
  /** The event, for example `examples/updateCounter`. */
  name: Name;
  /** Its version, for example `v1`. */
  version: Version;
  /** Its input. It is copied at the call: later changes to it are not sent. */
  data: InputOf<Name, Version>;
  /** The room whose members get it. */
  receiver: string;
  /** Leave out the calling socket (over HTTP: every socket of the calling user). Default: `false`. */
  ignoreSelf?: boolean | undefined;
  /** Ends the waiting; the answer is then `request.aborted`. What has been sent may still be carried out. */
  signal?: AbortSignal | undefined;
  /** How many milliseconds the answer may take, counted from the sending. Default: the client's `timeoutMs`, 30,000. */
  timeoutMs?: number | undefined;
}

/** An event that arrived. */
export interface SyncEvent<Name extends SyncEventName, Version extends SyncEventVersion<Name>> {
  name: Name;
  version: Version;
  /** The room that it was sent to. */
  room: string;
  status: "success";
  /** The same for everybody. */
  serverOutput: ServerOutputOf<Name, Version>;
  /** For this recipient. */
  clientOutput: ClientOutputOf<Name, Version>;
}

/** An event that failed for this recipient. */
export type SyncEventError<Name extends SyncEventName, Version extends SyncEventVersion<Name>> = SyncErrorOf<
  Name,
  Version
> & { name: Name; version: Version; room: string };

/** What to call when an event arrives. */
export interface SyncEventCallback<Name extends SyncEventName, Version extends SyncEventVersion<Name>> {
  /** The event, for example `examples/updateCounter`. */
  name: Name;
  /** Its version: other versions of it are other events. */
  version: Version;
  /** Called with each event that arrives. */
  callback: (event: SyncEvent<Name, Version>) => void;
  /** Called when the event failed for this recipient, in this recipient's language. */
  onError?: ((error: SyncEventError<Name, Version>) => void) | undefined;
}
