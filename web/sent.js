// The worker that sees every encoded frame as it leaves, tells when that was, and passes it on unchanged.

self.onrtctransform = ({ transformer: { readable, writable, options } }) => {
  const note = (frame, controller) => {
    const { rtpTimestamp = frame.timestamp } = frame.getMetadata();
    options.port.postMessage({ rtp: rtpTimestamp, ms: performance.timeOrigin + performance.now() });
    controller.enqueue(frame);
  };
  void readable.pipeThrough(new TransformStream({ transform: note })).pipeTo(writable);
};
