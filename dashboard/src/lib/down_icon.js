// The page's icon with how many hosts are down: where only the tab is seen, that is all there is to see.

const SIZE = 64;
/** As favicon.svg has it, 32 wide. */
const GROUND = "#1d5fc4";
const LINE = "M5 18h5l3-9 5 15 4-10 2 4h3";
const DOWN = "#c5281d";
/** More than one digit cannot be read at 16 pixels. */
const MOST = 9;

/**
 * @param {number} count
 * @returns {string} an address of the picture
 */
export function downIcon(count) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  const context = canvas.getContext("2d");
  if (context === null) return "favicon.svg";
  context.scale(SIZE / 32, SIZE / 32);
  context.fillStyle = GROUND;
  fillRound(context, 0, 0, 32, 32);
  context.strokeStyle = "#fff";
  context.lineWidth = 2.6;
  context.lineCap = context.lineJoin = "round";
  context.stroke(new Path2D(LINE));
  context.fillStyle = "#fff";
  fillRound(context, 9, 9, 23, 23);
  context.fillStyle = DOWN;
  fillRound(context, 11, 11, 21, 21);
  context.fillStyle = "#fff";
  context.font = "700 20px sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(count > MOST ? `${MOST}+` : String(count), 21.5, 22.5, 18);
  return canvas.toDataURL();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 */
function fillRound(context, x, y, width, height) {
  context.beginPath();
  context.roundRect(x, y, width, height, 7);
  context.fill();
}
