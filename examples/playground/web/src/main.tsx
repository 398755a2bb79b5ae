// Where the page begins: the connections, made once, and React over them.

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { createPersonClient } from "./people/client";
import { PEOPLE } from "./people/people";
import { roomOfPage } from "./room";
import "./styles.css";
import { createWireLog } from "./wire/wireLog";

const clients = PEOPLE.map(createPersonClient);
const wireLog = createWireLog(clients);
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App room={roomOfPage()} clients={clients} wireLog={wireLog} />
  </StrictMode>,
);
