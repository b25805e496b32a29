// Lets the search work on pages that are opened from a disk, where browsers start no workers: the
// worker's script runs in a hidden frame instead. Material's offline mode would load one from elsewhere.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      const inside = frame.contentWindow;
      const tell = (target, data) => target.dispatchEvent(new MessageEvent("message", { data }));
      inside.postMessage = (data) => tell(this, data);
      const script = inside.document.createElement("script");
      const loaded = new Promise((done) => script.addEventListener("load", done));
      script.src = url;
      inside.document.body.append(script);
      this.postMessage = (data) => loaded.then(() => tell(inside, data));
      this.terminate = () => frame.remove();
    }
  };
}
