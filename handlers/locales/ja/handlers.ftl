### 日本語（です・ます）。

counter =
    .amountTooLarge = カウンターを一度に変更できるのは{ $max }までです。

chess =
    .illegalMove = { $from }から{ $to }へは動かせません。
