import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import type { Device } from "@/api/queries";
import { AddCertificate } from "./AddCertificate";

afterEach(cleanup);

const PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const device = { id: "1", name: "attic" } as Device;

it("sends the certificate of a file, and says what is wrong with another one", async () => {
  const sent: unknown[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (request) => {
    sent.push(await (request as Request).json());
    return Response.json({ credential: { id: "2", label: "factory" }, key: null }, { status: 201 });
  });
  const onClose = vi.fn();
  render(
    <MantineProvider>
      <QueryClientProvider client={new QueryClient()}>
        <AddCertificate device={device} opened onClose={onClose} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  const submit = await screen.findByRole("button", { name: "Add a certificate" });
  fireEvent.change(screen.getByLabelText("Name"), { target: { value: " factory " } });
  fireEvent.change(screen.getByLabelText("Certificate"), { target: { value: "no certificate" } });
  fireEvent.click(submit);
  await screen.findByText(/^Choose a file, or paste/);
  const choose = (text: string) => {
    fireEvent.change(screen.getByLabelText("File"), { target: { files: [new File([text], "attic.pem")] } });
  };
  choose("x".repeat(16_385));
  await screen.findByText("This file is too long for a certificate");
  choose(PEM);
  await screen.findByDisplayValue(/BEGIN CERTIFICATE/);
  fireEvent.click(submit);
  await vi.waitFor(() => {
    expect(onClose).toHaveBeenCalled();
  });
  expect(sent).toEqual([{ kind: "x509", label: "factory", certificate: PEM }]);
});
