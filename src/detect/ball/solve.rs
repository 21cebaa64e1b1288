//! Small systems of equations.

/// Solves `matrix * x = right` for a symmetric positive definite matrix (its lower half is read), by Cholesky's method.
/// None if it is not positive definite, or not finite.
pub(super) fn solve<const N: usize>(mut matrix: [[f64; N]; N], mut right: [f64; N]) -> Option<[f64; N]> {
    for column in 0..N {
        for row in column..N {
            let sum: f64 = (0..column).map(|k| matrix[row][k] * matrix[column][k]).sum();
            let rest = matrix[row][column] - sum;
            if row == column {
                if !(rest > 0.0 && rest.is_finite()) {
                    return None;
                }
                matrix[row][column] = rest.sqrt();
            } else {
                matrix[row][column] = rest / matrix[column][column];
            }
        }
    }
    for row in 0..N {
        let sum: f64 = (0..row).map(|k| matrix[row][k] * right[k]).sum();
        right[row] = (right[row] - sum) / matrix[row][row];
    }
    for row in (0..N).rev() {
        let sum: f64 = (row + 1..N).map(|k| matrix[k][row] * right[k]).sum();
        right[row] = (right[row] - sum) / matrix[row][row];
    }
    right.iter().all(|value| value.is_finite()).then_some(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved_and_a_singular_one_refused() {
        let x = solve([[4.0, 0.0, 0.0], [2.0, 5.0, 0.0], [-2.0, 1.0, 6.0]], [2.0, 18.0, 21.0]).expect("positive definite");
        let product =
            [4.0 * x[0] + 2.0 * x[1] - 2.0 * x[2], 2.0 * x[0] + 5.0 * x[1] + x[2], -2.0 * x[0] + x[1] + 6.0 * x[2]];
        for (left, right) in product.iter().zip([2.0, 18.0, 21.0]) {
            assert!((left - right).abs() < 1e-12, "{product:?}");
        }
        assert_eq!(solve([[1.0, 0.0], [1.0, 1.0]], [1.0, 1.0]), None);
        assert_eq!(solve([[f64::NAN]], [1.0]), None);
    }
}
