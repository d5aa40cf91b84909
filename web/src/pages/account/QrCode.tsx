/** A QR code. A chunk of its own, fetched when a second factor is set up. */
import { useMemo } from "react";
import { qrDrawing } from "./qr";

/** Properties of {@link QrCode}. */
export interface QrCodeProps {
  text: string;
  /** What it is, for those who cannot see it. */
  label: string;
}

/** The picture; its size and colours are those of what stands around it. */
export default function QrCode({ text, label }: QrCodeProps) {
  const { size, path } = useMemo(() => qrDrawing(text), [text]);
  return (
    <svg role="img" aria-label={label} viewBox={`0 0 ${String(size)} ${String(size)}`} shapeRendering="crispEdges">
      <path d={path} />
    </svg>
  );
}
