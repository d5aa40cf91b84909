/** Providers around the router: theme, server cache, notifications. */
import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useToastsWanted } from "@/shell/toast";
import { cssVariables, theme } from "@/theme/theme";
import { queryClient } from "./queryClient";
import { router } from "./router";

// public/color-scheme.js reads the same key before the first paint.
const colorScheme = localStorageColorSchemeManager({ key: "sensorium-color-scheme" });

const Toasts = lazy(() => import("@/shell/Toasts"));

function ToastCorner() {
  const wanted = useToastsWanted();
  return <Suspense>{wanted && <Toasts />}</Suspense>;
}

/** The whole page. */
export function App() {
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      colorSchemeManager={colorScheme}
      defaultColorScheme="auto"
    >
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
        <ToastCorner />
      </QueryClientProvider>
    </MantineProvider>
  );
}
