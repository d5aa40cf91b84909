/** A QR code. A chunk of its own, fetched when one is shown. */
import { useMemo } from "react";
import { qrDrawing } from "./qr";
import classes from "./QrCode.module.css";

/** Properties of {@link QrCode}. */
export interface QrCodeProps {
  text: string;
  /** What it is, for those who cannot see it. */
  label: string;
}

/** The picture in its frame. */
export default function QrCode({ text, label }: QrCodeProps) {
  const { size, path } = useMemo(() => qrDrawing(text), [text]);
  return (
    <div className={classes["frame"]}>
      <svg role="img" aria-label={label} viewBox={`0 0 ${String(size)} ${String(size)}`} shapeRendering="crispEdges">
        <path d={path} />
      </svg>
    </div>
  );
}
