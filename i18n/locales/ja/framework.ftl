### 日本語（です・ます）。複数形がないため、数による場合分けはありません。

sync =
    .invalidRequest = リクエストが正しくありません。
    .notFound = この操作は利用できません。
    .invalidInput = 「{ $path }」の値が正しくありません。詳細：「{ $reason }」
    .missingReceiver = 送信先のルームが指定されていません。
    .receiverNotAllowed = このルームには送信できません。
    .notRoomMember = このルームに参加していません。先にルームに参加してください。
    .rateLimited = リクエストが多すぎます。{ $seconds }秒後にもう一度お試しください。
    .tooLarge = リクエストが大きすぎます。上限は{ $max }バイトです。
    .inboxFull = 処理待ちのリクエストが多すぎます。しばらくしてからもう一度お試しください。
    .timeout = サーバーの処理が時間内に完了しませんでした。もう一度お試しください。
    .internal = サーバーで問題が発生しました。しばらくしてからもう一度お試しください。
    .methodNotAllowed = このHTTPメソッドには対応していません。

auth =
    .required = 続けるにはログインしてください。
    .invalid = ログイン情報を確認できませんでした。もう一度ログインしてください。
    .expired = セッションの有効期限が切れました。もう一度ログインしてください。
    .forbidden = この操作を行う権限がありません（{ $key }）。
    .originDenied = このウェブサイトからのアクセスは許可されていません。

room =
    .notFound = このルームは存在しません。
    .invalid = ルーム名が正しくありません。
    .joinDenied = このルームには参加できません。
    .limit = 同時に参加できるルームは{ $max }個までです。

server =
    .shuttingDown = サーバーは一時的に利用できません。しばらくしてからもう一度お試しください。
    .busy = サーバーが混み合っています。{ $seconds }秒後にもう一度お試しください。

document =
    .limit = 1つの接続で開けるドキュメントは{ $max }個までです。

invalid =
    .roomId = ルーム名が正しくありません。英字（A～Z）、数字、ハイフン、アンダースコアを1～64文字で指定してください。
    .workspaceId = ワークスペース名が正しくありません。英字（A～Z）、数字、ピリオド、コロン、ハイフン、アンダースコアを1～128文字で指定してください。
    .documentId = ドキュメント名が正しくありません。制御文字を含まない1～256バイトのテキストを指定してください。
    .json = リクエストが正しいJSONではありません。
    .state = 状態が指定されていないか、オブジェクトでも配列でもありません。
    .data = データがないか、バージョンが1以上の整数ではありません。

payload =
    .tooLarge = データが大きすぎます。上限は{ $max }バイトです。

unsupported =
    .mediaType = データはJSON（application/json）で送信してください。

body =
    .timeout = リクエストの受信が時間内に完了しませんでした。もう一度お試しください。

stream =
    .limit = ライブ接続が多すぎます。{ $seconds }秒後にもう一度お試しください。

storage =
    .unavailable = 現在データにアクセスできません。{ $seconds }秒後にもう一度お試しください。
    .full = 現在、データを保存する空き容量がありません。{ $seconds }秒後にもう一度お試しください。

snapshot =
    .notFound = 対象が見つかりません。
    .forbidden = これを閲覧する権限がありません。
    .badRequest = メッセージが正しくありません。
    .topicLimit = 1つの接続で同時に閲覧できるのは{ $max }件までです。
    .versionConflict = ほかの人が先に変更しました。現在のバージョンは{ $current }です。

workspace =
    .permissionDenied = このワークスペースは閲覧できますが、変更する権限がありません。
    .invalidOp = 変更の内容が正しくありません。詳細：「{ $reason }」
    .persistenceFailed = 変更を保存できませんでした。もう一度お試しください。
    .unknownChange = この変更はワークスペースの履歴にありません。
    .workspaceFull = このワークスペースはいっぱいです。履歴を含めて上限は{ $max }バイトです。削除しても空きは増えません。新しいワークスペースで続けるか、上限の引き上げを依頼してください。

upgrade =
    .required = このアドレスはWebSocket接続専用です。

offline =
    .dropped = { $reason ->
        [queueFull] オフラインの間に送信待ちのリクエストが上限に達したため、このリクエストは送信されませんでした。
        [expired] オフラインの状態が長く続いたため、このリクエストは送信されませんでした。
       *[other] オフラインのため、このリクエストは送信されませんでした。
    }

request =
    .aborted = リクエストはキャンセルされました。
    .timeout = 時間内に応答がありませんでした。接続を確認して、もう一度お試しください。
    .disconnected = 応答を受け取る前に接続が切れました。リクエストは処理されている可能性があります。

connection =
    .closed = { $reason ->
        [auth_required] 続けるにはログインしてください。
        [forbidden] これを開く権限がありません。
        [deleted] このドキュメントは削除されました。
        [full] このドキュメントはいっぱいです。新しいドキュメントで続けるか、上限の引き上げを依頼してください。
        [too_large] この変更は、サーバーで受け付けられる大きさを超えています。
        [malformed] 送信された内容をサーバーが読み取れませんでした。
       *[refused] サーバーが接続を拒否しました。
    }
