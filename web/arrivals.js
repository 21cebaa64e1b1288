// The worker that sees every encoded frame as it arrives, tells when that was, and passes it on unchanged.

self.onrtctransform = ({ transformer: { readable, writable, options } }) => {
  const note = (frame, controller) => {
    const { rtpTimestamp, receiveTime } = frame.getMetadata();
    options.port.postMessage({ rtp: rtpTimestamp, ms: performance.timeOrigin + (receiveTime ?? performance.now()) });
    controller.enqueue(frame);
  };
  void readable.pipeThrough(new TransformStream({ transform: note })).pipeTo(writable);
};
