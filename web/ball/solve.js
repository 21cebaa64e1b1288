/**
 * Solves `matrix * x = right` for a symmetric positive definite matrix, by Cholesky's method. Both are overwritten; `right` becomes x.
 *
 * @param {Float64Array} matrix row by row; its lower half is read
 * @param {Float64Array} right
 * @returns {boolean} false if the matrix is not positive definite, or not finite
 */
export function solve(matrix, right) {
  const n = right.length;
  for (let column = 0; column < n; column++) {
    for (let row = column; row < n; row++) {
      let rest = matrix[row * n + column];
      for (let k = 0; k < column; k++) rest -= matrix[row * n + k] * matrix[column * n + k];
      if (row > column) {
        matrix[row * n + column] = rest / matrix[column * n + column];
      } else if (rest > 0 && Number.isFinite(rest)) {
        matrix[row * n + column] = Math.sqrt(rest);
      } else {
        return false;
      }
    }
  }
  for (let row = 0; row < n; row++) {
    for (let k = 0; k < row; k++) right[row] -= matrix[row * n + k] * right[k];
    right[row] /= matrix[row * n + row];
  }
  for (let row = n - 1; row >= 0; row--) {
    for (let k = row + 1; k < n; k++) right[row] -= matrix[k * n + row] * right[k];
    right[row] /= matrix[row * n + row];
  }
  return right.every(Number.isFinite);
}
