### Nederlands, met je. Een room heet hier een kamer.

sync =
    .invalidRequest = Dit verzoek is ongeldig.
    .notFound = Deze actie is niet beschikbaar.
    .invalidInput = De gegevens zijn ongeldig bij ‘{ $path }’. Details: ‘{ $reason }’
    .missingReceiver = Het verzoek vermeldt niet voor welke kamer het is bedoeld.
    .receiverNotAllowed = Je mag niets naar deze kamer sturen.
    .notRoomMember = Je bent geen deelnemer van deze kamer. Neem eerst deel.
    .rateLimited = { $seconds ->
        [one] Te veel verzoeken. Probeer het over { $seconds } seconde opnieuw.
       *[other] Te veel verzoeken. Probeer het over { $seconds } seconden opnieuw.
    }
    .tooLarge = Dit verzoek is te groot. Het maximum is { $max } bytes.
    .inboxFull = Er staan te veel verzoeken in de wachtrij. Probeer het zo meteen opnieuw.
    .timeout = De server deed er te lang over om te antwoorden. Probeer het opnieuw.
    .internal = Er is bij ons iets misgegaan. Probeer het later opnieuw.
    .methodNotAllowed = Deze HTTP-methode wordt hier niet ondersteund.

auth =
    .required = Log in om verder te gaan.
    .invalid = We konden je aanmelding niet controleren. Log opnieuw in.
    .expired = Je sessie is verlopen. Log opnieuw in.
    .forbidden = Je hebt hier geen toestemming voor ({ $key }).
    .originDenied = Toegang vanaf deze website is niet toegestaan.

room =
    .notFound = Deze kamer bestaat niet.
    .invalid = Deze kamernaam is ongeldig.
    .joinDenied = Je hebt geen toegang tot deze kamer.
    .limit = { $max ->
        [one] Je kunt in maximaal { $max } kamer tegelijk zijn.
       *[other] Je kunt in maximaal { $max } kamers tegelijk zijn.
    }

server =
    .shuttingDown = De server is even niet beschikbaar. Probeer het zo meteen opnieuw.
    .busy = { $seconds ->
        [one] Het is druk op de server. Probeer het over { $seconds } seconde opnieuw.
       *[other] Het is druk op de server. Probeer het over { $seconds } seconden opnieuw.
    }

document =
    .limit = { $max ->
        [one] Je kunt via één verbinding maximaal { $max } document open hebben.
       *[other] Je kunt via één verbinding maximaal { $max } documenten open hebben.
    }

invalid =
    .roomId = Deze kamernaam is ongeldig. Gebruik 1 tot 64 letters (A tot Z), cijfers, koppeltekens en onderstrepingstekens.
    .workspaceId = Deze werkruimtenaam is ongeldig. Gebruik 1 tot 128 letters (A tot Z), cijfers, punten, dubbele punten, koppeltekens en onderstrepingstekens.
    .documentId = Deze documentnaam is ongeldig. Gebruik 1 tot 256 bytes tekst zonder besturingstekens.
    .json = Het verzoek is geen geldige JSON.
    .state = De toestand ontbreekt of is geen object of array.
    .data = De gegevens ontbreken, of de versie is geen geheel getal vanaf 1.

payload =
    .tooLarge = De gegevens zijn te groot. Het maximum is { $max } bytes.

unsupported =
    .mediaType = De gegevens moeten als JSON (application/json) worden verstuurd.

body =
    .timeout = Het duurde te lang voordat het verzoek binnen was. Probeer het opnieuw.

stream =
    .limit = { $seconds ->
        [one] Er zijn te veel live verbindingen open. Probeer het over { $seconds } seconde opnieuw.
       *[other] Er zijn te veel live verbindingen open. Probeer het over { $seconds } seconden opnieuw.
    }

storage =
    .unavailable = { $seconds ->
        [one] De gegevens zijn nu niet bereikbaar. Probeer het over { $seconds } seconde opnieuw.
       *[other] De gegevens zijn nu niet bereikbaar. Probeer het over { $seconds } seconden opnieuw.
    }
    .full = { $seconds ->
        [one] Er is nu geen ruimte voor meer gegevens. Probeer het over { $seconds } seconde opnieuw.
       *[other] Er is nu geen ruimte voor meer gegevens. Probeer het over { $seconds } seconden opnieuw.
    }

snapshot =
    .notFound = Dit bestaat niet.
    .forbidden = Je mag dit niet volgen.
    .badRequest = Dit bericht is ongeldig.
    .topicLimit = { $max ->
        [one] Je kunt per verbinding hoogstens { $max } onderwerp volgen.
       *[other] Je kunt per verbinding hoogstens { $max } onderwerpen volgen.
    }
    .versionConflict = Iemand anders heeft dit eerder gewijzigd. Het is nu versie { $current }.

workspace =
    .permissionDenied = Je mag deze werkruimte lezen, maar niet wijzigen.
    .invalidOp = Deze wijziging is ongeldig. Details: ‘{ $reason }’
    .persistenceFailed = Je wijziging kon niet worden opgeslagen. Probeer het opnieuw.
    .unknownChange = Deze wijziging staat niet in de geschiedenis van de werkruimte.
    .workspaceFull = Deze werkruimte is vol: met haar geschiedenis mag ze { $max } bytes groot zijn. Verwijderen maakt geen ruimte. Ga verder in een nieuwe werkruimte of laat de grens verhogen.

upgrade =
    .required = Dit adres is alleen voor WebSocket-verbindingen.

offline =
    .dropped = { $reason ->
        [queueFull] Je was offline en er stonden te veel verzoeken in de wachtrij. Dit verzoek is daarom niet verstuurd.
        [expired] Dit verzoek is niet verstuurd, omdat je te lang offline was.
       *[other] Je was offline. Dit verzoek is daarom niet verstuurd.
    }

request =
    .aborted = Het verzoek is geannuleerd.
    .timeout = Er kwam niet op tijd antwoord. Controleer je verbinding en probeer het opnieuw.
    .disconnected = De verbinding werd verbroken voordat er antwoord kwam. Mogelijk is je verzoek toch uitgevoerd.

connection =
    .closed = { $reason ->
        [auth_required] Log in om verder te gaan.
        [forbidden] Je hebt hier geen toegang toe.
        [deleted] Dit document is verwijderd.
        [full] Dit document is vol. Ga verder in een nieuw document of laat de grens verhogen.
        [too_large] Deze wijziging is groter dan de server toestaat.
        [malformed] De server kon niet lezen wat er is verstuurd.
       *[refused] De server heeft de verbinding geweigerd.
    }
