// This device's camera: opened, chosen, and in words why it cannot be. Knows nothing of the page.

const FRAMES_PER_SECOND = 30;

const WORDS = {
  NotAllowedError: "The camera may not be used. Allow it for this page in the browser's settings, then start again.",
  NotFoundError: "There is no camera on this device. Connect one, then start again.",
  NotReadableError: "The camera is in use elsewhere, or does not answer. Close other programs that use it, then start again.",
  OverconstrainedError: "The chosen camera is gone. Choose another one.",
  AbortError: "The camera did not start. Try again.",
  SecurityError: "This browser lets no page use a camera.",
};

/** Why no camera can be used here at all; null if one can be asked for. */
export function unable() {
  if (navigator.mediaDevices?.getUserMedia) return null;
  if (!isSecureContext) {
    return `Browsers let a page use the camera over https or on localhost only, and this is ${location.origin}. Start the hub with TLS, or open the page on the hub's own machine.`;
  }
  return "This browser has no way to the camera.";
}

/**
 * @param {{deviceId?: string, width: number, height: number}} wish
 * @returns {Promise<MediaStreamTrack>}
 */
export async function open({ deviceId, width, height }) {
  const video = {
    deviceId: deviceId ? { exact: deviceId } : undefined,
    // Without a choice, what a phone looks at the world with.
    facingMode: deviceId ? undefined : { ideal: "environment" },
    width: { ideal: width },
    height: { ideal: height },
    frameRate: { ideal: FRAMES_PER_SECOND },
  };
  const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
  return stream.getVideoTracks()[0];
}

/** What went wrong, and what to do. */
export function inWords(error) {
  return WORDS[error.name] ?? `The camera does not start: ${error.message || error.name}`;
}

/** The cameras that there are; named once one has been allowed. */
export async function list() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId);
}
