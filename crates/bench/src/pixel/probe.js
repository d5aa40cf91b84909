// Runs in the page before its own code: notes when the frame that holds a marker comes in, and when its text is painted.
// It looks only at what changed, so that watching costs the page next to nothing.
(() => {
  const clock = () => performance.timeOrigin + performance.now();
  const latin1 = new TextDecoder("latin1");
  let round = null;

  // Before the page's own listener: the time does not contain what the page does with the frame.
  window.WebSocket = class extends WebSocket {
    constructor(...parameters) {
      super(...parameters);
      this.addEventListener("message", ({ data }) => {
        if (round === null || round.received !== null || !(data instanceof ArrayBuffer)) return;
        if (latin1.decode(data).includes(round.marker)) round.received = clock();
      });
    }
  };

  const shows = ({ target, addedNodes }, marker) =>
    [target.nodeType === Node.TEXT_NODE ? target : null, ...addedNodes].some((node) =>
      node?.textContent.includes(marker),
    );

  window.probe = {
    /** Watches for a marker. */
    arm(marker) {
      round = { marker, received: null };
      round.done = new Promise((resolve) => {
        const observer = new MutationObserver((records) => {
          if (!records.some((record) => shows(record, marker))) return;
          observer.disconnect();
          requestAnimationFrame(() => {
            // A message is handled after the frame that this callback belongs to has been painted.
            const channel = new MessageChannel();
            channel.port1.onmessage = () => resolve([round.received, clock()]);
            channel.port2.postMessage(0);
          });
        });
        observer.observe(document.body, { subtree: true, childList: true, characterData: true });
      });
    },
    /** When the marker came in and when it had been painted, in milliseconds since the epoch. */
    seen: () => round.done,
  };
})();
