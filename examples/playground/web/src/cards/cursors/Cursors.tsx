// Where the others point: `presence/cursor` v1, whose client stage runs once for each open page and lets only those on
// the sender's page have it.

import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from "react";
import { useSync, useSyncEvent, useSyncStatus } from "syncline/react";
import { nameOf, type Person } from "../../people/people";
import { useChoices } from "../../people/PersonContext";
import { usePageRoom } from "../../ui/RoomContext";
import "./cursors.css";

interface Point {
  readonly x: number;
  readonly y: number;
}

/** The shortest time between two positions that are sent, in milliseconds. */
const PACE = 40;
/** How long a pointer is shown after its last move, in milliseconds. */
const SHOWN = 5_000;
/** How far an arrow key goes, as a part of the area. */
const STEP = 0.05;

const ARROWS: Readonly<Record<string, Point>> = {
  ArrowLeft: { x: -STEP, y: 0 },
  ArrowRight: { x: STEP, y: 0 },
  ArrowUp: { x: 0, y: -STEP },
  ArrowDown: { x: 0, y: STEP },
};

export function Cursors({ person }: { readonly person: Person }) {
  const { page } = useChoices();
  const [pointers, setPointers] = useState<ReadonlyMap<string, Point & { readonly at: number }>>(new Map());
  const own = useRef<Point>({ x: 0.5, y: 0.5 });
  const send = usePaced();

  useSyncEvent({
    name: "presence/cursor",
    version: "v1",
    callback: ({ serverOutput: { userId, x, y } }) =>
      setPointers((earlier) => new Map(earlier).set(userId, { x, y, at: Date.now() })),
  });

  // Who has stopped pointing goes away.
  useEffect(() => {
    if (pointers.size === 0) return;
    const first = Math.min(...[...pointers.values()].map(({ at }) => at));
    const timer = setTimeout(
      () => setPointers((all) => new Map([...all].filter(([, { at }]) => Date.now() - at < SHOWN))),
      Math.max(0, first + SHOWN - Date.now()) + 20,
    );
    return () => clearTimeout(timer);
  }, [pointers]);

  function point(to: Point) {
    own.current = { x: Math.min(1, Math.max(0, to.x)), y: Math.min(1, Math.max(0, to.y)) };
    send(own.current);
  }

  function onPointerMove({ currentTarget, clientX, clientY }: PointerEvent) {
    const area = currentTarget.getBoundingClientRect();
    point({ x: (clientX - area.left) / area.width, y: (clientY - area.top) / area.height });
  }

  function onKeyDown(event: KeyboardEvent) {
    const step = ARROWS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    point({ x: own.current.x + step.x, y: own.current.y + step.y });
  }

  return (
    <div
      className="pointers"
      role="application"
      aria-label={`${person.name}'s pointer area: move the pointer here, or use the arrow keys`}
      tabIndex={0}
      onPointerMove={onPointerMove}
      onPointerDown={onPointerMove}
      onKeyDown={onKeyDown}
    >
      <p className="quiet">
        {page === "/examples" ? "Move your pointer here" : `${person.name} has ${page} open, and sees who else has`}
      </p>
      {[...pointers].map(([userId, { x, y }]) => (
        <span
          key={userId}
          className="pointer"
          data-person={userId}
          data-testid="pointer"
          style={{ left: `${x * 100}%`, top: `${y * 100}%` }}
        >
          <svg viewBox="0 0 16 20" width="16" height="20" aria-hidden="true">
            <path d="M1 1l13.5 10.5-6.200.6L5 18z" />
          </svg>
          {nameOf(userId)}
        </span>
      ))}
    </div>
  );
}

/** Sends the newest position, at a pace; none while there is no connection, since nobody wants to see it later. */
function usePaced(): (point: Point) => void {
  const sync = useSync();
  const room = usePageRoom();
  const connected = useSyncStatus().state === "connected";
  const pace = useRef<{ next: Point | undefined; timer: ReturnType<typeof setTimeout> | undefined }>({
    next: undefined,
    timer: undefined,
  });

  useEffect(() => {
    const state = pace.current;
    return () => {
      clearTimeout(state.timer);
      state.timer = undefined;
    };
  }, []);

  function send() {
    const { next } = pace.current;
    pace.current.timer = undefined;
    if (next === undefined) return;
    pace.current.next = undefined;
    void sync.syncRequest({ name: "presence/cursor", version: "v1", data: next, receiver: room, ignoreSelf: true });
    pace.current.timer = setTimeout(send, PACE);
  }

  return (point) => {
    if (!connected) return;
    pace.current.next = point;
    if (pace.current.timer === undefined) send();
  };
}
