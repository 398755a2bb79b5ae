### The framework's own error texts. The group is the message, the rest of the code its attribute:
### `sync.notFound` is `.notFound` under `sync`.
### Plurals choose between whole sentences, so that translators may change the word order.

# .invalidInput: $path is where in the input, $reason what the decoder said, always in technical English.
# .tooLarge: $max is in bytes.
sync =
    .invalidRequest = This request is not valid.
    .notFound = This action is not available.
    .invalidInput = The data is not valid at “{ $path }”. Details: “{ $reason }”
    .missingReceiver = The request does not say which room it is meant for.
    .receiverNotAllowed = You are not allowed to send to this room.
    .notRoomMember = You are not in this room. Please join it first.
    .rateLimited = { $seconds ->
        [one] Too many requests. Please try again in { $seconds } second.
       *[other] Too many requests. Please try again in { $seconds } seconds.
    }
    .tooLarge = This request is too large. The maximum is { $max } bytes.
    .inboxFull = Too many requests are waiting. Please try again in a moment.
    .timeout = The server took too long to respond. Please try again.
    .internal = Something went wrong on our side. Please try again later.
    .methodNotAllowed = This HTTP method is not supported here.

# .forbidden: $key is the field of the session that decided.
auth =
    .required = Please sign in to continue.
    .invalid = We could not verify your sign-in. Please sign in again.
    .expired = Your session has expired. Please sign in again.
    .forbidden = You do not have permission to do this ({ $key }).
    .originDenied = Access from this website is not allowed.

room =
    .notFound = This room does not exist.
    .invalid = This room name is not valid.
    .joinDenied = You are not allowed to join this room.
    .limit = { $max ->
        [one] You can be in at most { $max } room at a time.
       *[other] You can be in at most { $max } rooms at a time.
    }

server =
    .shuttingDown = The server is temporarily unavailable. Please try again in a moment.
    .busy = { $seconds ->
        [one] The server is busy. Please try again in { $seconds } second.
       *[other] The server is busy. Please try again in { $seconds } seconds.
    }

document =
    .limit = { $max ->
        [one] You can have at most { $max } document open on one connection.
       *[other] You can have at most { $max } documents open on one connection.
    }

# What is wrong with a request to the HTTP of rooms.
invalid =
    .roomId = This room name is not valid. Use 1 to 64 letters (A to Z), digits, hyphens, and underscores.
    .workspaceId = This workspace name is not valid. Use 1 to 128 letters (A to Z), digits, dots, colons, hyphens, and underscores.
    .documentId = This document name is not valid. Use 1 to 256 bytes of text without control characters.
    .json = The request is not valid JSON.
    .state = The state is missing, or it is neither an object nor an array.
    .data = The data is missing, or the version is not a whole number from 1 on.

# .tooLarge: $max is in bytes.
payload =
    .tooLarge = The data is too large. The maximum is { $max } bytes.

unsupported =
    .mediaType = The data has to be sent as JSON (application/json).

body =
    .timeout = The request took too long to arrive. Please try again.

# .limit: of live updates, from one address or of one room.
stream =
    .limit = { $seconds ->
        [one] Too many live connections are open. Please try again in { $seconds } second.
       *[other] Too many live connections are open. Please try again in { $seconds } seconds.
    }

storage =
    .unavailable = { $seconds ->
        [one] The data cannot be reached right now. Please try again in { $seconds } second.
       *[other] The data cannot be reached right now. Please try again in { $seconds } seconds.
    }
    .full = { $seconds ->
        [one] There is no space for more data right now. Please try again in { $seconds } second.
       *[other] There is no space for more data right now. Please try again in { $seconds } seconds.
    }

# What is told of a snapshot that is watched or written. .topicLimit: $max is how many topics one connection may have.
# .versionConflict: $current is the version that there is.
snapshot =
    .notFound = This does not exist.
    .forbidden = You are not allowed to watch this.
    .badRequest = This message is not valid.
    .topicLimit = { $max ->
        [one] You can watch at most { $max } topic on one connection.
       *[other] You can watch at most { $max } topics on one connection.
    }
    .versionConflict = Someone else changed this first. It is now at version { $current }.

# What is told of a workspace. .invalidOp: $reason is what the server saw, always in technical English.
# .workspaceFull: $max is in bytes.
workspace =
    .permissionDenied = You are allowed to read this workspace, but not to change it.
    .invalidOp = This change is not valid. Details: “{ $reason }”
    .persistenceFailed = Your change could not be saved. Please try again.
    .unknownChange = This change does not exist in the workspace’s history.
    .workspaceFull = This workspace is full: with its history it may take { $max } bytes. Deleting makes no room. Please go on in a new workspace, or have the limit raised.

upgrade =
    .required = This address is for WebSocket connections only.

## Known to the client only.

offline =
    .dropped = { $reason ->
        [queueFull] You were offline and too many requests were waiting, so this one was not sent.
        [expired] This request was not sent because you were offline for too long.
       *[other] You were offline, so this request was not sent.
    }

request =
    .aborted = The request was canceled.
    .timeout = No response arrived in time. Please check your connection and try again.
    .disconnected = The connection was lost before a response arrived. Your request may still have been carried out.

# .closed: of a connection that the server has ended for good. $reason is the error code; the default is for any other.
connection =
    .closed = { $reason ->
        [auth_required] Please sign in to continue.
        [forbidden] You do not have access to this.
        [deleted] This document has been deleted.
        [full] This document is full. Please go on in a new one, or have the limit raised.
        [too_large] This change is larger than the server accepts.
        [malformed] The server could not read what was sent.
       *[refused] The server refused the connection.
    }
