// A conversation: `chat/sendMessage` v1, whose client stage tells each recipient whether the message is theirs and
// whether it mentions them.

import { type FormEvent, useEffect, useRef, useState } from "react";
import { useSync, useSyncEvent } from "syncline/react";
import type { SyncClientOutput, SyncServerOutput } from "@/api";
import { nameOf, PEOPLE, type Person } from "../../people/people";
import { Notice, type Problem } from "../../ui/Notice";
import { usePageRoom } from "../../ui/RoomContext";
import "./chat.css";

type Message = SyncServerOutput<"chat", "sendMessage"> & SyncClientOutput<"chat", "sendMessage">;

/** How many messages are shown; older ones go. */
const SHOWN = 50;

export function Chat({ person }: { readonly person: Person }) {
  const sync = useSync();
  const room = usePageRoom();
  const [messages, setMessages] = useState<readonly Message[]>([]);
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const list = useRef<HTMLDivElement>(null);
  const other = PEOPLE.find(({ id }) => id !== person.id);

  useSyncEvent({
    name: "chat/sendMessage",
    version: "v1",
    callback: ({ serverOutput, clientOutput }) =>
      setMessages((earlier) => [...earlier, { ...serverOutput, ...clientOutput }].slice(-SHOWN)),
  });

  useEffect(() => {
    if (messages.length > 0) list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [messages]);

  async function send(event: FormEvent) {
    event.preventDefault();
    setText("");
    const answer = await sync.syncRequest({ name: "chat/sendMessage", version: "v1", data: { text }, receiver: room });
    setProblem(answer.status === "error" ? answer : undefined);
    // What was refused is not lost, unless something else has been begun.
    if (answer.status === "error") setText((begun) => begun || text);
  }

  return (
    <div>
      {/* It scrolls, so it has to be reachable by keyboard. */}
      <div ref={list} className="messages" role="log" aria-label={`Messages, as ${person.name} sees them`} tabIndex={0}>
        {messages.length === 0 && <p className="quiet">Nothing said yet. Try “Hi @{other?.id}”.</p>}
        <ol>
          {messages.map((message) => (
            <li key={message.id} className="message" data-mine={message.mine} data-mentioned={message.mentioned}>
              <span className="message-author" data-person={message.author}>
                {message.mine ? "You" : nameOf(message.author)}
                {message.mentioned && <strong> mentioned you</strong>}
              </span>
              <span className="message-text">{message.text}</span>
            </li>
          ))}
        </ol>
      </div>
      <form className="chat-form" onSubmit={send}>
        <input
          className="field"
          value={text}
          onChange={(event) => setText(event.target.value)}
          aria-label={`Message from ${person.name}`}
          placeholder={`Hi @${other?.id}`}
          autoComplete="off"
        />
        <button type="submit" className="button">
          Send
        </button>
      </form>
      <Notice problem={problem} />
    </div>
  );
}
