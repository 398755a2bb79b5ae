// A choice of a note's color.

import { useId } from "react";
import { COLORS, type Color } from "./notes";

interface SwatchesProps {
  readonly color: Color;
  readonly onChoose: (color: Color) => void;
}

export function Swatches({ color, onChoose }: SwatchesProps) {
  const name = useId();
  return (
    <fieldset className="swatches">
      <legend className="visually-hidden">Color</legend>
      {COLORS.map((known) => (
        <label key={known} data-color={known}>
          <input type="radio" name={name} checked={known === color} onChange={() => onChoose(known)} />
          <span className="visually-hidden">{known}</span>
        </label>
      ))}
    </fieldset>
  );
}
