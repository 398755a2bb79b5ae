// One thing that is kept in sync, shown once for each person: same code, another connection. What it shows is the card's own.

import { type ComponentType, useId } from "react";
import { useClients } from "../people/clients";
import { PersonContext } from "../people/PersonContext";
import type { Person } from "../people/people";

export interface CardDefinition {
  readonly id: string;
  readonly title: string;
  /** The events or state that it uses, as an author would look for them. */
  readonly uses: string;
  /** What to try and what will be seen. */
  readonly lead: string;
  /** What one person sees. */
  readonly View: ComponentType<{ readonly person: Person }>;
}

export function Card({ id, title, uses, lead, View }: CardDefinition) {
  const heading = useId();
  return (
    <section className="card" id={id} aria-labelledby={heading}>
      <header className="card-head">
        <h3 id={heading}>
          {title} <code>{uses}</code>
        </h3>
        <p>{lead}</p>
      </header>
      <div className="panes">
        {useClients().map((client) => (
          <PersonContext key={client.person.id} client={client}>
            <section className="pane" data-person={client.person.id} aria-label={`${title}: ${client.person.name}`}>
              <p className="pane-name" aria-hidden="true">
                <span className="person-dot" />
                {client.person.name}
              </p>
              <View person={client.person} />
            </section>
          </PersonContext>
        ))}
      </div>
    </section>
  );
}
