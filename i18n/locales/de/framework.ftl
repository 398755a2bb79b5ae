### Deutsch, mit Sie.

sync =
    .invalidRequest = Diese Anfrage ist ungültig.
    .notFound = Diese Aktion ist nicht verfügbar.
    .invalidInput = Die Daten sind an der Stelle „{ $path }“ ungültig. Details: „{ $reason }“
    .missingReceiver = In der Anfrage fehlt die Angabe, für welchen Raum sie bestimmt ist.
    .receiverNotAllowed = Sie dürfen nichts an diesen Raum senden.
    .notRoomMember = Sie sind nicht in diesem Raum. Bitte treten Sie ihm zuerst bei.
    .rateLimited = { $seconds ->
        [one] Zu viele Anfragen. Bitte versuchen Sie es in { $seconds } Sekunde erneut.
       *[other] Zu viele Anfragen. Bitte versuchen Sie es in { $seconds } Sekunden erneut.
    }
    .tooLarge = Diese Anfrage ist zu groß. Zulässig sind höchstens { $max } Byte.
    .inboxFull = Es warten zu viele Anfragen. Bitte versuchen Sie es gleich noch einmal.
    .timeout = Der Server hat nicht rechtzeitig geantwortet. Bitte versuchen Sie es erneut.
    .internal = Bei uns ist ein Fehler aufgetreten. Bitte versuchen Sie es später erneut.
    .methodNotAllowed = Diese HTTP-Methode wird hier nicht unterstützt.

auth =
    .required = Bitte melden Sie sich an, um fortzufahren.
    .invalid = Ihre Anmeldung konnte nicht überprüft werden. Bitte melden Sie sich erneut an.
    .expired = Ihre Sitzung ist abgelaufen. Bitte melden Sie sich erneut an.
    .forbidden = Sie haben dafür keine Berechtigung ({ $key }).
    .originDenied = Der Zugriff von dieser Website ist nicht erlaubt.

room =
    .notFound = Diesen Raum gibt es nicht.
    .invalid = Dieser Raumname ist ungültig.
    .joinDenied = Sie dürfen diesem Raum nicht beitreten.
    .limit = { $max ->
        [one] Sie können gleichzeitig in höchstens { $max } Raum sein.
       *[other] Sie können gleichzeitig in höchstens { $max } Räumen sein.
    }

server =
    .shuttingDown = Der Server ist vorübergehend nicht verfügbar. Bitte versuchen Sie es gleich noch einmal.
    .busy = { $seconds ->
        [one] Der Server ist ausgelastet. Bitte versuchen Sie es in { $seconds } Sekunde erneut.
       *[other] Der Server ist ausgelastet. Bitte versuchen Sie es in { $seconds } Sekunden erneut.
    }

document =
    .limit = { $max ->
        [one] Über eine Verbindung kann höchstens { $max } Dokument geöffnet sein.
       *[other] Über eine Verbindung können höchstens { $max } Dokumente geöffnet sein.
    }

invalid =
    .roomId = Dieser Raumname ist ungültig. Zulässig sind 1 bis 64 Buchstaben (A bis Z), Ziffern, Binde- und Unterstriche.
    .workspaceId = Dieser Name für einen Arbeitsbereich ist ungültig. Zulässig sind 1 bis 128 Buchstaben (A bis Z), Ziffern, Punkte, Doppelpunkte, Binde- und Unterstriche.
    .documentId = Dieser Dokumentname ist ungültig. Zulässig sind 1 bis 256 Byte Text ohne Steuerzeichen.
    .json = Die Anfrage ist kein gültiges JSON.
    .state = Der Zustand fehlt oder ist weder ein Objekt noch ein Array.
    .data = Die Daten fehlen, oder die Version ist keine ganze Zahl ab 1.

payload =
    .tooLarge = Die Daten sind zu groß. Zulässig sind höchstens { $max } Byte.

unsupported =
    .mediaType = Die Daten müssen als JSON (application/json) gesendet werden.

body =
    .timeout = Die Anfrage ist nicht rechtzeitig angekommen. Bitte versuchen Sie es erneut.

stream =
    .limit = { $seconds ->
        [one] Es sind zu viele Live-Verbindungen offen. Bitte versuchen Sie es in { $seconds } Sekunde erneut.
       *[other] Es sind zu viele Live-Verbindungen offen. Bitte versuchen Sie es in { $seconds } Sekunden erneut.
    }

storage =
    .unavailable = { $seconds ->
        [one] Die Daten sind gerade nicht erreichbar. Bitte versuchen Sie es in { $seconds } Sekunde erneut.
       *[other] Die Daten sind gerade nicht erreichbar. Bitte versuchen Sie es in { $seconds } Sekunden erneut.
    }
    .full = { $seconds ->
        [one] Für weitere Daten ist gerade kein Platz. Bitte versuchen Sie es in { $seconds } Sekunde erneut.
       *[other] Für weitere Daten ist gerade kein Platz. Bitte versuchen Sie es in { $seconds } Sekunden erneut.
    }

snapshot =
    .notFound = Das gibt es nicht.
    .forbidden = Sie dürfen dies nicht verfolgen.
    .badRequest = Diese Nachricht ist ungültig.
    .topicLimit = { $max ->
        [one] Sie können über eine Verbindung höchstens { $max } Thema verfolgen.
       *[other] Sie können über eine Verbindung höchstens { $max } Themen verfolgen.
    }
    .versionConflict = Jemand anderes hat dies zuerst geändert. Es hat jetzt die Version { $current }.

workspace =
    .permissionDenied = Sie dürfen diesen Arbeitsbereich lesen, aber nicht ändern.
    .invalidOp = Diese Änderung ist ungültig. Details: „{ $reason }“
    .persistenceFailed = Ihre Änderung konnte nicht gespeichert werden. Bitte versuchen Sie es erneut.
    .unknownChange = Diese Änderung gibt es im Verlauf des Arbeitsbereichs nicht.
    .workspaceFull = Dieser Arbeitsbereich ist voll: Mit seinem Verlauf sind höchstens { $max } Byte zulässig. Löschen schafft keinen Platz. Bitte machen Sie in einem neuen Arbeitsbereich weiter oder lassen Sie die Grenze erhöhen.

upgrade =
    .required = Diese Adresse ist nur für WebSocket-Verbindungen.

offline =
    .dropped = { $reason ->
        [queueFull] Sie waren offline, und es warteten zu viele Anfragen. Diese Anfrage wurde daher nicht gesendet.
        [expired] Diese Anfrage wurde nicht gesendet, weil Sie zu lange offline waren.
       *[other] Sie waren offline. Diese Anfrage wurde daher nicht gesendet.
    }

request =
    .aborted = Die Anfrage wurde abgebrochen.
    .timeout = Die Antwort ist nicht rechtzeitig eingetroffen. Bitte prüfen Sie Ihre Verbindung und versuchen Sie es erneut.
    .disconnected = Die Verbindung wurde unterbrochen, bevor eine Antwort eintraf. Möglicherweise wurde Ihre Anfrage trotzdem ausgeführt.

connection =
    .closed = { $reason ->
        [auth_required] Bitte melden Sie sich an, um fortzufahren.
        [forbidden] Sie haben hierauf keinen Zugriff.
        [deleted] Dieses Dokument wurde gelöscht.
        [full] Dieses Dokument ist voll. Bitte machen Sie in einem neuen weiter oder lassen Sie die Grenze erhöhen.
        [too_large] Diese Änderung ist größer, als der Server erlaubt.
        [malformed] Der Server konnte das Gesendete nicht lesen.
       *[refused] Der Server hat die Verbindung abgelehnt.
    }
