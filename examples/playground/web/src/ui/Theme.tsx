// Light, dark, or as the system has it; remembered on this device.

import { useEffect, useState } from "react";

const THEMES = ["system", "light", "dark"] as const;
const KEY = "syncline-playground-theme";

type Theme = (typeof THEMES)[number];

export function ThemeSelect() {
  const [theme, setTheme] = useState<Theme>(remembered);
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    localStorage.setItem(KEY, theme);
  }, [theme]);
  return (
    <label className="row">
      Theme
      <select
        className="select"
        value={theme}
        onChange={(event) => setTheme(THEMES.find((known) => known === event.target.value) ?? "system")}
      >
        {THEMES.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

function remembered(): Theme {
  return THEMES.find((name) => name === localStorage.getItem(KEY)) ?? "system";
}
