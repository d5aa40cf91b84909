/** The three choices of look, in one place for the user menu and the command palette. */
import { Monitor, Moon, Sun } from "lucide-react";

/** Choices as Mantine names them; the text keys are the same. */
export const looks = [
  { value: "auto", icon: Monitor },
  { value: "light", icon: Sun },
  { value: "dark", icon: Moon },
] as const;
