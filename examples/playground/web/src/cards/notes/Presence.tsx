// Who has the board open: by user, however many tabs they have.

import type { WorkspaceUser } from "syncline/workspaces";
import { nameOf, type Person } from "../../people/people";

interface PresenceProps {
  readonly users: readonly WorkspaceUser[];
  /** Whether there is a connection by which we would know. */
  readonly known: boolean;
  readonly person: Person;
}

export function Presence({ users, known, person }: PresenceProps) {
  if (!known) return null;
  return (
    <ul className="present" aria-label="Who is here">
      {users.map(({ user_id: id }) => (
        <li key={id} data-person={id}>
          <span className="person-dot" aria-hidden="true" />
          {nameOf(id)}
          {id === person.id && <span className="visually-hidden"> (you)</span>}
        </li>
      ))}
    </ul>
  );
}
