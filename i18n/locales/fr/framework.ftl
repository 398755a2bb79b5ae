### Français, avec vous. Une room est un salon.
### Les espaces avant « : » et à l’intérieur des guillemets sont insécables (U+00A0).

sync =
    .invalidRequest = Cette requête n’est pas valide.
    .notFound = Cette action n’est pas disponible.
    .invalidInput = Les données ne sont pas valides à l’emplacement « { $path } ». Détails : « { $reason } »
    .missingReceiver = La requête n’indique pas à quel salon elle est destinée.
    .receiverNotAllowed = Vous ne pouvez rien envoyer dans ce salon.
    .notRoomMember = Vous n’êtes pas dans ce salon. Veuillez d’abord le rejoindre.
    .rateLimited = { $seconds ->
        [one] Trop de requêtes. Veuillez réessayer dans { $seconds } seconde.
       *[other] Trop de requêtes. Veuillez réessayer dans { $seconds } secondes.
    }
    .tooLarge = Cette requête est trop volumineuse. La taille maximale est de { $max } octets.
    .inboxFull = Trop de requêtes sont en attente. Veuillez réessayer dans un instant.
    .timeout = Le serveur a mis trop de temps à répondre. Veuillez réessayer.
    .internal = Une erreur s’est produite de notre côté. Veuillez réessayer plus tard.
    .methodNotAllowed = Cette méthode HTTP n’est pas prise en charge ici.

auth =
    .required = Veuillez vous connecter pour continuer.
    .invalid = Nous n’avons pas pu vérifier votre identité. Veuillez vous reconnecter.
    .expired = Votre session a expiré. Veuillez vous reconnecter.
    .forbidden = Vous n’avez pas l’autorisation nécessaire ({ $key }).
    .originDenied = L’accès depuis ce site web n’est pas autorisé.

room =
    .notFound = Ce salon n’existe pas.
    .invalid = Ce nom de salon n’est pas valide.
    .joinDenied = Vous ne pouvez pas rejoindre ce salon.
    .limit = { $max ->
        [one] Vous pouvez être dans { $max } salon à la fois au maximum.
       *[other] Vous pouvez être dans { $max } salons à la fois au maximum.
    }

server =
    .shuttingDown = Le serveur est momentanément indisponible. Veuillez réessayer dans un instant.
    .busy = { $seconds ->
        [one] Le serveur est très sollicité. Veuillez réessayer dans { $seconds } seconde.
       *[other] Le serveur est très sollicité. Veuillez réessayer dans { $seconds } secondes.
    }

document =
    .limit = { $max ->
        [one] Une connexion peut avoir { $max } document ouvert au maximum.
       *[other] Une connexion peut avoir { $max } documents ouverts au maximum.
    }

invalid =
    .roomId = Ce nom de salon n’est pas valide. Utilisez de 1 à 64 lettres (de A à Z), chiffres, traits d’union et tirets bas.
    .workspaceId = Ce nom d’espace de travail n’est pas valide. Utilisez de 1 à 128 lettres (de A à Z), chiffres, points, deux-points, traits d’union et tirets bas.
    .documentId = Ce nom de document n’est pas valide. Utilisez de 1 à 256 octets de texte sans caractères de contrôle.
    .json = La requête n’est pas du JSON valide.
    .state = L’état est absent, ou n’est ni un objet ni un tableau.
    .data = Les données manquent, ou la version n’est pas un nombre entier à partir de 1.

payload =
    .tooLarge = Les données sont trop volumineuses. La taille maximale est de { $max } octets.

unsupported =
    .mediaType = Les données doivent être envoyées au format JSON (application/json).

body =
    .timeout = La requête a mis trop de temps à arriver. Veuillez réessayer.

stream =
    .limit = { $seconds ->
        [one] Trop de connexions en direct sont ouvertes. Veuillez réessayer dans { $seconds } seconde.
       *[other] Trop de connexions en direct sont ouvertes. Veuillez réessayer dans { $seconds } secondes.
    }

storage =
    .unavailable = { $seconds ->
        [one] Les données sont momentanément inaccessibles. Veuillez réessayer dans { $seconds } seconde.
       *[other] Les données sont momentanément inaccessibles. Veuillez réessayer dans { $seconds } secondes.
    }
    .full = { $seconds ->
        [one] Il n’y a plus de place pour d’autres données. Veuillez réessayer dans { $seconds } seconde.
       *[other] Il n’y a plus de place pour d’autres données. Veuillez réessayer dans { $seconds } secondes.
    }

snapshot =
    .notFound = Cet élément n’existe pas.
    .forbidden = Vous ne pouvez pas suivre cet élément.
    .badRequest = Ce message n’est pas valide.
    .topicLimit = { $max ->
        [one] Vous pouvez suivre au maximum { $max } sujet par connexion.
       *[other] Vous pouvez suivre au maximum { $max } sujets par connexion.
    }
    .versionConflict = Quelqu’un d’autre a modifié cet élément avant vous. Il en est à la version { $current }.

workspace =
    .permissionDenied = Vous pouvez lire cet espace de travail, mais pas le modifier.
    .invalidOp = Cette modification n’est pas valide. Détails : « { $reason } »
    .persistenceFailed = Votre modification n’a pas pu être enregistrée. Veuillez réessayer.
    .unknownChange = Cette modification n’existe pas dans l’historique de l’espace de travail.
    .workspaceFull = Cet espace de travail est plein : avec son historique, il peut occuper { $max } octets. Supprimer ne libère pas de place. Veuillez continuer dans un nouvel espace de travail ou faire augmenter la limite.

upgrade =
    .required = Cette adresse est réservée aux connexions WebSocket.

offline =
    .dropped = { $reason ->
        [queueFull] Vous étiez hors ligne et trop de requêtes étaient en attente : celle-ci n’a pas été envoyée.
        [expired] Cette requête n’a pas été envoyée, car la connexion a été interrompue trop longtemps.
       *[other] Vous étiez hors ligne : cette requête n’a pas été envoyée.
    }

request =
    .aborted = La requête a été annulée.
    .timeout = Aucune réponse n’est arrivée à temps. Veuillez vérifier votre connexion et réessayer.
    .disconnected = La connexion a été perdue avant l’arrivée de la réponse. Votre requête a peut-être tout de même été exécutée.

connection =
    .closed = { $reason ->
        [auth_required] Veuillez vous connecter pour continuer.
        [forbidden] Vous n’avez pas accès à cet élément.
        [deleted] Ce document a été supprimé.
        [full] Ce document est plein. Veuillez continuer dans un nouveau document ou faire augmenter la limite.
        [too_large] Cette modification dépasse la taille acceptée par le serveur.
        [malformed] Le serveur n’a pas pu lire ce qui a été envoyé.
       *[refused] Le serveur a refusé la connexion.
    }
