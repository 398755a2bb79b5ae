// The page: two people at the top, what they share below, and the wire at the end.

import { GROUPS } from "./cards/cards";
import type { PersonClient } from "./people/client";
import { ClientsContext } from "./people/clients";
import { PersonBar } from "./people/PersonBar";
import { PersonContext } from "./people/PersonContext";
import { Card } from "./ui/Card";
import { RoomContext } from "./ui/RoomContext";
import { ThemeSelect } from "./ui/Theme";
import { Wire } from "./wire/Wire";
import type { WireLog } from "./wire/wireLog";

interface AppProps {
  readonly room: string;
  readonly clients: readonly PersonClient[];
  readonly wireLog: WireLog;
}

export function App({ room, clients, wireLog }: AppProps) {
  return (
    <ClientsContext value={clients}>
      <RoomContext value={room}>
        <div className="page">
          <header className="masthead">
            <h1>
              <img src="/favicon.svg" alt="" />
              Syncline playground
            </h1>
            <div className="masthead-tools">
              <span>
                Room <code>{room}</code>
              </span>
              <a href={`?room=${encodeURIComponent(room)}`} target="_blank" rel="noreferrer">
                Open it once more
              </a>
              <ThemeSelect />
            </div>
          </header>
          <p className="lead">
            Alice and Bob are two connections to one server, in one room. What one does, the other sees; each gets what
            is meant for them, in their own language.
          </p>
          <div className="columns">
            <main>
              <div className="people">
                {clients.map((client) => (
                  <PersonContext key={client.person.id} client={client}>
                    <PersonBar room={room} />
                  </PersonContext>
                ))}
              </div>
              {GROUPS.map(({ title, cards }) => (
                <section key={title} className="group" aria-label={title}>
                  <h2>{title}</h2>
                  <div className="cards">
                    {cards.map((card) => (
                      <Card key={card.id} {...card} />
                    ))}
                  </div>
                </section>
              ))}
            </main>
            <Wire log={wireLog} />
          </div>
        </div>
      </RoomContext>
    </ClientsContext>
  );
}
