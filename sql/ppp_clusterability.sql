-- ppp_clusterability(src, …): is there anything to cluster, and is the most separable part of it clearer than the rest?
--
-- src                        a table, view, CTE, temporary table, DataFrame or file by name, or a SELECT in quotes
-- columns         VARCHAR[]  the features; NULL: every usable column
-- exclude         VARCHAR[]  columns never to use as features
-- k               INTEGER    the number of clusters; NULL: found from the data (1 is an honest answer)
-- k_max           INTEGER    upper bound of the search for k; NULL: decided from the data
-- weight          VARCHAR    name of a column of non-negative row weights (2 counts as two rows)
-- scale           VARCHAR    'auto' (default: as it is or as a logarithm), 'standard', 'robust', 'log', 'none'
-- missing         VARCHAR    'auto' (default: a row with holes has an id, too), 'skip' (NULL), 'impute', 'error'
-- categorical     VARCHAR    'auto' (default: as categories), 'onehot' (as numbers), 'ignore', 'error'
-- max_categories  INTEGER    20: the most frequent of a text column; the rest become one, other
-- covariance      VARCHAR    'auto' (default), 'spherical' (k-means), 'diag', 'tied', 'full'
-- separable_at    DOUBLE     0.95: posterior probability from which a row counts as separable
-- sample_size     BIGINT     65536: distinct weighted rows the engine sees; below it nothing is lost
-- by              VARCHAR[]  one independent clustering for each group of equal values in these columns
--
-- One row for each of three sets of rows (of the sample, beyond sample_size distinct rows), each clustered by itself: all;
-- the separable ones (see ppp_separable); and random, as many distinct rows chosen by a hash of their content.
-- Columns: with by, those that name the group; set VARCHAR; rows BIGINT; k INTEGER; dip_p_value DOUBLE (small: not one
-- mode; Hartigan's dip test on the three leading principal axes, the smallest p-value times three); agreement DOUBLE (of
-- k-means and the mixture); simplified_silhouette DOUBLE (0 for one cluster); confidence VARCHAR (how sure the partition
-- is, in words). A set without rows has NULLs.

CREATE OR REPLACE TEMP MACRO ppp_clusterability(
  src,
  columns := NULL,
  exclude := NULL,
  k := NULL,
  k_max := NULL,
  weight := NULL,
  scale := 'auto',
  missing := 'auto',
  categorical := 'auto',
  max_categories := 20,
  covariance := 'auto',
  separable_at := 0.95e0,
  sample_size := 65536,
  by := NULL
) AS TABLE
FROM system.main.query(ppp__rewrite(
  ppp__connection(),
  system.main.current_setting('search_path'),
  'ppp_clusterability',
  src,
  {
    'columns': ppp__given(columns),
    'exclude': ppp__given(exclude),
    'k': ppp__given(k),
    'k_max': ppp__given(k_max),
    'weight': ppp__given(weight),
    'scale': ppp__given(scale),
    'missing': ppp__given(missing),
    'categorical': ppp__given(categorical),
    'max_categories': ppp__given(max_categories),
    'covariance': ppp__given(covariance),
    'separable_at': ppp__given(separable_at),
    'sample_size': ppp__given(sample_size),
    'by': ppp__given("by")
  }
));

-- The same call, once it is seen what it reads. look is bound to learn its type, and not used: see binding/looking.py.
CREATE OR REPLACE TEMP MACRO ppp__clusterability_seen(look INTEGER, asked) AS TABLE
FROM system.main.query(ppp__write(asked));
