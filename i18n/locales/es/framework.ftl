### Español, con usted o neutro. Una room es una sala.

sync =
    .invalidRequest = Esta solicitud no es válida.
    .notFound = Esta acción no está disponible.
    .invalidInput = Los datos no son válidos en «{ $path }». Detalles: «{ $reason }»
    .missingReceiver = La solicitud no indica a qué sala va dirigida.
    .receiverNotAllowed = No tiene permiso para enviar nada a esta sala.
    .notRoomMember = No está en esta sala. Únase primero a ella.
    .rateLimited = { $seconds ->
        [one] Demasiadas solicitudes. Vuelva a intentarlo dentro de { $seconds } segundo.
       *[other] Demasiadas solicitudes. Vuelva a intentarlo dentro de { $seconds } segundos.
    }
    .tooLarge = Esta solicitud es demasiado grande. El máximo es de { $max } bytes.
    .inboxFull = Hay demasiadas solicitudes en espera. Vuelva a intentarlo en un momento.
    .timeout = El servidor ha tardado demasiado en responder. Vuelva a intentarlo.
    .internal = Se ha producido un error por nuestra parte. Vuelva a intentarlo más tarde.
    .methodNotAllowed = Este método HTTP no se admite aquí.

auth =
    .required = Inicie sesión para continuar.
    .invalid = No hemos podido verificar su identidad. Vuelva a iniciar sesión.
    .expired = Su sesión ha caducado. Vuelva a iniciar sesión.
    .forbidden = No tiene permiso para hacer esto ({ $key }).
    .originDenied = No se permite el acceso desde este sitio web.

room =
    .notFound = Esta sala no existe.
    .invalid = Este nombre de sala no es válido.
    .joinDenied = No tiene permiso para unirse a esta sala.
    .limit = { $max ->
        [one] Puede estar como máximo en { $max } sala a la vez.
       *[other] Puede estar como máximo en { $max } salas a la vez.
    }

server =
    .shuttingDown = El servidor no está disponible en este momento. Vuelva a intentarlo en unos instantes.
    .busy = { $seconds ->
        [one] El servidor está muy ocupado. Vuelva a intentarlo dentro de { $seconds } segundo.
       *[other] El servidor está muy ocupado. Vuelva a intentarlo dentro de { $seconds } segundos.
    }

document =
    .limit = { $max ->
        [one] Puede tener abierto como máximo { $max } documento por conexión.
       *[other] Puede tener abiertos como máximo { $max } documentos por conexión.
    }

invalid =
    .roomId = Este nombre de sala no es válido. Use de 1 a 64 letras (de la A a la Z), cifras, guiones y guiones bajos.
    .workspaceId = Este nombre de espacio de trabajo no es válido. Use de 1 a 128 letras (de la A a la Z), cifras, puntos, dos puntos, guiones y guiones bajos.
    .documentId = Este nombre de documento no es válido. Use de 1 a 256 bytes de texto sin caracteres de control.
    .json = La solicitud no es un JSON válido.
    .state = Falta el estado, o no es un objeto ni una lista.
    .data = Faltan los datos, o la versión no es un número entero a partir de 1.

payload =
    .tooLarge = Los datos son demasiado grandes. El máximo es de { $max } bytes.

unsupported =
    .mediaType = Los datos deben enviarse como JSON (application/json).

body =
    .timeout = La solicitud ha tardado demasiado en llegar. Vuelva a intentarlo.

stream =
    .limit = { $seconds ->
        [one] Hay demasiadas conexiones en directo abiertas. Vuelva a intentarlo dentro de { $seconds } segundo.
       *[other] Hay demasiadas conexiones en directo abiertas. Vuelva a intentarlo dentro de { $seconds } segundos.
    }

storage =
    .unavailable = { $seconds ->
        [one] No se puede acceder a los datos en este momento. Vuelva a intentarlo dentro de { $seconds } segundo.
       *[other] No se puede acceder a los datos en este momento. Vuelva a intentarlo dentro de { $seconds } segundos.
    }
    .full = { $seconds ->
        [one] No hay espacio para más datos en este momento. Vuelva a intentarlo dentro de { $seconds } segundo.
       *[other] No hay espacio para más datos en este momento. Vuelva a intentarlo dentro de { $seconds } segundos.
    }

snapshot =
    .notFound = Esto no existe.
    .forbidden = No tiene permiso para seguir esto.
    .badRequest = Este mensaje no es válido.
    .topicLimit = { $max ->
        [one] Puede seguir como máximo { $max } tema por conexión.
       *[other] Puede seguir como máximo { $max } temas por conexión.
    }
    .versionConflict = Otra persona lo cambió antes. Ahora está en la versión { $current }.

workspace =
    .permissionDenied = Puede leer este espacio de trabajo, pero no modificarlo.
    .invalidOp = Este cambio no es válido. Detalles: «{ $reason }»
    .persistenceFailed = No se pudo guardar su cambio. Inténtelo de nuevo.
    .unknownChange = Este cambio no existe en el historial del espacio de trabajo.
    .workspaceFull = Este espacio de trabajo está lleno: con su historial puede ocupar { $max } bytes. Eliminar no libera espacio. Continúe en un espacio de trabajo nuevo o pida que se amplíe el límite.

upgrade =
    .required = Esta dirección es solo para conexiones WebSocket.

offline =
    .dropped = { $reason ->
        [queueFull] No había conexión y se acumularon demasiadas solicitudes en espera, por lo que esta no se ha enviado.
        [expired] Esta solicitud no se ha enviado porque ha pasado demasiado tiempo sin conexión.
       *[other] Esta solicitud no se ha enviado porque no había conexión.
    }

request =
    .aborted = La solicitud se ha cancelado.
    .timeout = La respuesta no ha llegado a tiempo. Compruebe su conexión y vuelva a intentarlo.
    .disconnected = Se ha perdido la conexión antes de recibir la respuesta. Es posible que su solicitud se haya procesado de todos modos.

connection =
    .closed = { $reason ->
        [auth_required] Inicie sesión para continuar.
        [forbidden] No tiene acceso a esto.
        [deleted] Este documento se ha eliminado.
        [full] Este documento está lleno. Continúe en uno nuevo o pida que se amplíe el límite.
        [too_large] Este cambio supera el tamaño que admite el servidor.
        [malformed] El servidor no ha podido leer lo que se ha enviado.
       *[refused] El servidor ha rechazado la conexión.
    }
