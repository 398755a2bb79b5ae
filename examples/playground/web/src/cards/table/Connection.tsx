// How a snapshot comes, and two ways to meddle with that: cut its sockets, and ask for it by hand.

import { useEffect, useState } from "react";
import type { UsedSnapshot } from "syncline/react";

interface ConnectionProps {
  readonly used: UsedSnapshot<unknown>;
  readonly onCut: (on: boolean) => void;
}

const AGAIN = { changed: "There was news", same: "Nothing new", failed: "Not to be had" } as const;

export function Connection({ used, onCut }: ConnectionProps) {
  const { lockVersion, transport, lastUpdatedAt, refreshSnapshot } = used;
  const banner = bannerOf(used);
  const [isCut, setCut] = useState(false);
  const [refreshed, setRefreshed] = useState<keyof typeof AGAIN>();
  // What was here before may have been cut; what is mounted anew begins whole.
  useEffect(() => onCut(isCut), [isCut, onCut]);

  async function refresh() {
    const answer = await refreshSnapshot("manual");
    setRefreshed(answer.status === "error" ? "failed" : answer.changed ? "changed" : "same");
  }

  return (
    <div className="connection">
      <div role="status" aria-label="Connection">
        {banner && (
          <p className="banner" data-state={banner}>
            {BANNERS[banner]}
          </p>
        )}
      </div>
      <dl className="connection-facts">
        <div>
          <dt>lockVersion</dt>
          <dd>
            <output key={lockVersion} className="version fresh" aria-label="Version">
              {lockVersion === null ? "–" : <Version number={lockVersion} />}
            </output>
          </dd>
        </div>
        <div>
          <dt>Transport</dt>
          <dd data-testid="transport">{transport}</dd>
        </div>
        <div>
          <dt>Updated</dt>
          <dd>
            <time>{lastUpdatedAt === null ? "–" : clock(lastUpdatedAt)}</time>
          </dd>
        </div>
      </dl>
      <div className="row">
        <label className="switch">
          <input type="checkbox" role="switch" checked={isCut} onChange={({ target }) => setCut(target.checked)} />
          Kill the socket
        </label>
        <button type="button" className="button small" onClick={refresh}>
          Refresh
        </button>
        <span className="quiet" aria-live="polite">
          {refreshed && AGAIN[refreshed]}
        </span>
      </div>
    </div>
  );
}

const BANNERS = {
  reconnecting: "Reconnecting…",
  polling: "No socket: asking every 3 s",
  disconnected: "Not connected: what is shown may be old",
} as const;

function bannerOf({ status, transport }: UsedSnapshot<unknown>): keyof typeof BANNERS | undefined {
  if (status === "reconnecting" || status === "disconnected") return status;
  return status === "connected" && transport === "polling" ? "polling" : undefined;
}

/** A long number whose end is what changes. */
function Version({ number }: { readonly number: number }) {
  const digits = String(number);
  return (
    <>
      <span className="quiet">{digits.slice(0, -4)}</span>
      {digits.slice(-4)}
    </>
  );
}

/** Hour, minute, second and tenth, as the device has them. */
function clock(at: number): string {
  const date = new Date(at);
  return `${date.toLocaleTimeString("en-GB")}.${Math.floor(date.getMilliseconds() / 100)}`;
}
