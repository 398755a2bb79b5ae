"use client";
// The package's entry `syncline/react/documents`. It stands apart from the other hooks since it takes yjs and y-websocket,
// which an app without documents has not installed.

export { type UsedDocument, type UsedDocumentOptions, useDocument } from "./useDocument.js";
