//! Which sighting is which object: one to one, by least total distance.

use crate::feedback::message::MAX_OBJECTS as MAX_SIGHTINGS;
use crate::scene::MAX_OBJECTS;
use crate::units::Px;

/// Larger than the sum of any real distances: what cannot be measured is assigned last.
const FAR_PX: f64 = 1e9;

/// For each true place the index of its sighting.
pub(super) type Assignment = [Option<usize>; MAX_OBJECTS];

/// Assigns sightings to true places so that as many as possible are assigned and the sum of their distances is least. Takes
/// the first [`MAX_OBJECTS`] places and the first [`MAX_SIGHTINGS`] sightings.
pub(super) fn assign(places: &[Px], sightings: &[Px]) -> Assignment {
    let places = &places[..places.len().min(MAX_OBJECTS)];
    let sightings = &sightings[..sightings.len().min(MAX_SIGHTINGS)];
    let mut assignment = [None; MAX_OBJECTS];
    if places.len() <= sightings.len() {
        let place_of = shortest_augmenting_paths(places.len(), sightings.len(), |p, s| distance(places[p], sightings[s]));
        for (sighting, place) in place_of.into_iter().enumerate() {
            place.into_iter().for_each(|place| assignment[place] = Some(sighting));
        }
    } else {
        let sighting_of = shortest_augmenting_paths(sightings.len(), places.len(), |s, p| distance(places[p], sightings[s]));
        assignment.copy_from_slice(&sighting_of[..MAX_OBJECTS]);
    }
    assignment
}

fn distance(place: Px, sighting: Px) -> f64 {
    let distance = place.distance(sighting);
    if distance.is_finite() { distance.min(FAR_PX) } else { FAR_PX }
}

/// The assignment problem with at most as many rows as columns: for each column its row. Jonker and Volgenant (1987),
/// "A shortest augmenting path algorithm": rows are added one by one, each along the path that costs least, with prices that keep
/// every reduced cost at least zero. At most 8 x 8 x 64 steps, and no memory but the stack.
fn shortest_augmenting_paths(
    rows: usize,
    columns: usize,
    cost: impl Fn(usize, usize) -> f64,
) -> [Option<usize>; MAX_SIGHTINGS] {
    let mut row_of = [None; MAX_SIGHTINGS];
    let mut row_price = [0.0; MAX_OBJECTS];
    let mut column_price = [0.0; MAX_SIGHTINGS];
    for new_row in 0..rows {
        let mut path = Path::new(columns);
        let mut row = new_row;
        let free = loop {
            path.look_from(row, |column| cost(row, column) - row_price[row] - column_price[column]);
            let Some(column) = path.nearest() else { return row_of };
            match row_of[column] {
                Some(next) => row = next,
                None => break column,
            }
        };
        row_price[new_row] += path.length;
        path.settle_prices(&row_of, &mut row_price, &mut column_price);
        path.turn(new_row, free, &mut row_of);
    }
    row_of
}

/// A search over the columns, as Dijkstra's: the nearest unvisited one is next.
struct Path {
    columns: usize,
    length: f64,
    distance: [f64; MAX_SIGHTINGS],
    from_row: [usize; MAX_SIGHTINGS],
    visited: [bool; MAX_SIGHTINGS],
}

impl Path {
    fn new(columns: usize) -> Path {
        Path {
            columns,
            length: 0.0,
            distance: [f64::INFINITY; MAX_SIGHTINGS],
            from_row: [0; MAX_SIGHTINGS],
            visited: [false; MAX_SIGHTINGS],
        }
    }

    fn look_from(&mut self, row: usize, reduced_cost: impl Fn(usize) -> f64) {
        for column in (0..self.columns).filter(|&column| !self.visited[column]) {
            let distance = self.length + reduced_cost(column);
            if distance < self.distance[column] {
                self.distance[column] = distance;
                self.from_row[column] = row;
            }
        }
    }

    fn nearest(&mut self) -> Option<usize> {
        let unvisited = (0..self.columns).filter(|&column| !self.visited[column]);
        let nearest = unvisited.min_by(|&a, &b| self.distance[a].total_cmp(&self.distance[b]))?;
        self.visited[nearest] = true;
        self.length = self.distance[nearest];
        Some(nearest)
    }

    fn settle_prices(
        &self,
        row_of: &[Option<usize>; MAX_SIGHTINGS],
        row_price: &mut [f64; MAX_OBJECTS],
        column_price: &mut [f64; MAX_SIGHTINGS],
    ) {
        for column in (0..self.columns).filter(|&column| self.visited[column]) {
            let saved = self.length - self.distance[column];
            column_price[column] -= saved;
            row_of[column].into_iter().for_each(|row| row_price[row] += saved);
        }
    }

    /// Gives each column on the path to the row that it was reached from.
    fn turn(&self, new_row: usize, free: usize, row_of: &mut [Option<usize>; MAX_SIGHTINGS]) {
        let mut column = free;
        loop {
            let row = self.from_row[column];
            let left = (0..self.columns).find(|&other| row_of[other] == Some(row));
            row_of[column] = Some(row);
            match left {
                Some(left) if row != new_row => column = left,
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn total(places: &[Px], sightings: &[Px]) -> f64 {
        let pairs = assign(places, sightings).into_iter().enumerate();
        pairs.filter_map(|(place, sighting)| sighting.map(|sighting| distance(places[place], sightings[sighting]))).sum()
    }

    /// Tries everything: each place takes each free sighting or, where there are too few, none.
    fn least_total(places: &[Px], sightings: &mut Vec<Px>) -> f64 {
        let Some((place, rest)) = places.split_first() else { return 0.0 };
        let skip = if places.len() > sightings.len() { least_total(rest, sightings) } else { f64::INFINITY };
        (0..sightings.len()).fold(skip, |least, index| {
            let sighting = sightings.swap_remove(index);
            let total = distance(*place, sighting) + least_total(rest, sightings);
            sightings.push(sighting);
            let last = sightings.len() - 1;
            sightings.swap(index, last);
            least.min(total)
        })
    }

    /// On a coarse grid there are many equal distances.
    fn points(most: usize) -> impl Strategy<Value = Vec<Px>> {
        prop::collection::vec((0..12i32, 0..12i32).prop_map(|(x, y)| Px { x: x.into(), y: y.into() }), 0..=most)
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn the_total_distance_is_the_least_there_is(places in points(5), mut sightings in points(7)) {
            let pairs = assign(&places, &sightings);
            let mut taken: Vec<_> = pairs.into_iter().flatten().collect();
            prop_assert_eq!(taken.len(), places.len().min(sightings.len()));
            taken.sort_unstable();
            taken.dedup();
            prop_assert_eq!(taken.len(), places.len().min(sightings.len()), "one to one");
            let found = total(&places, &sightings);
            let least = least_total(&places, &mut sightings);
            prop_assert!((found - least).abs() < 1e-9, "{} instead of {}", found, least);
        }

        #[test]
        fn each_object_finds_itself_among_many_false_finds(order in Just((0..64usize).collect::<Vec<_>>()).prop_shuffle()) {
            let place = |index: usize| Px { x: (index % 8) as f64 * 9.0, y: (index / 8) as f64 * 9.0 };
            let places: Vec<_> = (0..8).map(|index| place(index * 7)).collect();
            let sightings: Vec<_> = order.iter().map(|&index| Px { x: place(index).x + 4.0, ..place(index) }).collect();
            for (index, sighting) in assign(&places, &sightings).into_iter().enumerate() {
                prop_assert_eq!(order[sighting.expect("enough sightings")], index * 7);
            }
        }

        #[test]
        fn numbers_that_are_none_do_no_harm(places in prop::collection::vec((any::<f64>(), any::<f64>()), 0..10), sightings in prop::collection::vec((any::<f64>(), any::<f64>()), 0..70)) {
            let points = |pairs: &[(f64, f64)]| pairs.iter().map(|&(x, y)| Px { x, y }).collect::<Vec<_>>();
            let pairs = assign(&points(&places), &points(&sightings));
            prop_assert_eq!(pairs.into_iter().flatten().count(), places.len().min(MAX_OBJECTS).min(sightings.len()));
        }
    }
}
