### 日本語（です・ます）。

counter =
    .amountTooLarge = カウンターを一度に変更できるのは{ $max }までです。

chess =
    .illegalMove = { $from }から{ $to }へは動かせません。

cards =
    .tableFull = このテーブルの席は二つとも埋まっています。
    .notSeated = このテーブルに着席していません。
    .alone = ゲームには二人必要ですが、席が一つ空いています。
    .noGame = このテーブルでは現在ゲームが行われていません。
    .notYourTurn = あなたの番ではありません。
    .notInHand = { $card }は手札にありません。
    .doesNotFit = { $card }は{ $top }の上に出せません。
