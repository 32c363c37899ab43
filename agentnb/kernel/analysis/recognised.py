"""Calls that are known by name: what they do to files, the network, programs; and which only read data."""

from __future__ import annotations

READS, WRITES, NETWORK = "reads files", "writes files", "uses the network"
PROGRAMS, PACKAGES, SETTINGS = "starts programs", "installs packages", "changes settings"


def _of(text: str) -> frozenset[str]:
    return frozenset(text.split())


MODULES: dict[str, str] = {
    **dict.fromkeys(_of("requests httpx urllib urllib3 http socket aiohttp ftplib smtplib websockets"), NETWORK),
    **dict.fromkeys(_of("boto3 paramiko yfinance huggingface_hub openai anthropic ssl socketserver"), NETWORK),
    **dict.fromkeys(_of("subprocess multiprocessing pty signal ctypes threading concurrent"), PROGRAMS),
    **dict.fromkeys(_of("shutil tempfile sqlite3 shelve dbm zipfile tarfile"), WRITES),
    **dict.fromkeys(_of("glob"), READS),
    **dict.fromkeys(_of("pip ensurepip venv"), PACKAGES),
}
"""What every function of a module counts as."""

FUNCTIONS: dict[str, str] = {
    **{f"os.{name}": PROGRAMS for name in _of("system popen fork forkpty kill killpg abort posix_spawn startfile")},
    **{f"os.exec{end}": PROGRAMS for end in _of("l le lp lpe v ve vp vpe")},
    **{f"os.spawn{end}": PROGRAMS for end in _of("l le lp lpe v ve vp vpe")},
    **{f"os.{name}": WRITES for name in _of("remove unlink rename renames replace mkdir makedirs rmdir removedirs")},
    **{f"os.{name}": WRITES for name in _of("open truncate chmod chown link symlink utime write")},
    **{f"os.{name}": READS for name in _of("listdir scandir walk stat getcwd")},
    **{f"os.path.{name}": READS for name in _of("exists isfile isdir getsize getmtime")},
    **{f"os.{name}": SETTINGS for name in _of("chdir putenv unsetenv umask")},
    **{f"pandas.{name}": SETTINGS for name in _of("set_option reset_option")},
    **{f"numpy.{name}": SETTINGS for name in _of("seterr seterrcall set_printoptions")},
    **{f"warnings.{name}": SETTINGS for name in _of("filterwarnings simplefilter resetwarnings")},
    **{f"matplotlib.{name}": SETTINGS for name in _of("use rc rcdefaults style.use")},
    **{f"matplotlib.pyplot.{name}": SETTINGS for name in _of("rc rcdefaults style.use switch_backend")},
    **{f"seaborn.{name}": SETTINGS for name in _of("set_theme set_style set_context set_palette")},
    **{f"logging.{name}": SETTINGS for name in _of("basicConfig disable captureWarnings")},
    **{f"sys.{name}": SETTINGS for name in _of("setrecursionlimit settrace setprofile")},
    **dict.fromkeys(_of("locale.setlocale decimal.setcontext"), SETTINGS),
    **{f"{module}.dump": WRITES for module in _of("json pickle joblib yaml")},
    **{f"{module}.load": READS for module in _of("json pickle joblib yaml numpy")},
    **{f"numpy.{name}": WRITES for name in _of("save savez savez_compressed savetxt")},
    **{f"numpy.{name}": READS for name in _of("loadtxt genfromtxt fromfile memmap")},
    "asyncio.create_subprocess_exec": PROGRAMS,
    "asyncio.create_subprocess_shell": PROGRAMS,
}

METHODS: dict[str, str] = {
    **dict.fromkeys(
        _of("to_csv to_parquet to_excel to_pickle to_hdf to_feather to_stata to_orc to_sql to_gbq"), WRITES
    ),
    **dict.fromkeys(
        _of("savefig save write_text write_bytes write writelines unlink rmdir mkdir touch symlink_to"), WRITES
    ),
    **dict.fromkeys(
        _of("write_csv write_parquet write_json write_excel write_ipc write_html write_image dump"), WRITES
    ),
    **dict.fromkeys(_of("read_text read_bytes read readlines iterdir glob rglob"), READS),
    **dict.fromkeys(
        _of("read_csv read_parquet read_excel read_json read_pickle read_hdf read_feather read_table"), READS
    ),
    **dict.fromkeys(_of("read_html read_sql read_sql_query read_sql_table read_ipc scan_csv scan_parquet"), READS),
    **dict.fromkeys(_of("urlopen urlretrieve connect sendall sendto"), NETWORK),
    **dict.fromkeys(_of("Popen check_output check_call"), PROGRAMS),
}
"""By the last part of a name, whatever it is called on."""

IN_PLACE = _of(
    "append extend insert pop popitem remove clear sort reverse update setdefault add discard fill put resize "
    "partition setflags itemset appendleft extendleft popleft rotate subtract difference_update intersection_update "
    "symmetric_difference_update"
)
"""Methods that change what they are called on."""

HARMLESS_BUILTINS = _of(
    "print len sum min max sorted abs round range enumerate zip list dict set tuple frozenset str int float bool "
    "complex bytes repr type isinstance issubclass hasattr any all map filter reversed format divmod pow slice iter "
    "next id hash ord chr hex oct bin callable display ValueError TypeError KeyError IndexError Exception "
    "ZeroDivisionError RuntimeError AttributeError StopIteration True False None NotImplemented Ellipsis"
)
HARMLESS_MODULES = _of(
    "math cmath statistics decimal fractions datetime calendar collections itertools functools operator re string "
    "textwrap json numbers typing dataclasses enum copy numpy pandas polars asyncio time"
)
"""Modules that may be imported and whose values are data; their functions count where they are in ``READING``."""

READING = _of(
    # of tables and arrays
    "head tail sample describe info mean median mode std var sem min max sum prod count nunique unique value_counts "
    "quantile corr cov skew kurt kurtosis abs round clip cumsum cumprod cummax cummin diff pct_change shift rank "
    "idxmin idxmax argmin argmax argsort isna isnull notna notnull drop dropna fillna ffill bfill interpolate "
    "drop_duplicates duplicated sort_values sort_index nlargest nsmallest groupby agg aggregate rolling expanding "
    "ewm resample pivot pivot_table melt stack unstack merge join concat crosstab cut qcut assign astype rename "
    "reset_index set_index reindex loc iloc at iat xs filter where mask isin between eq ne lt le gt ge add_prefix "
    "add_suffix squeeze to_string to_dict to_list tolist to_numpy to_frame to_datetime to_numeric to_timedelta "
    "memory_usage select_dtypes copy transpose reshape ravel flatten dot all any select with_columns group_by sort "
    "collect null_count items keys values index get nonzero percentile nanmean nanmedian nanstd nansum nanmin "
    "nanmax array asarray zeros ones full arange linspace eye log log1p log2 log10 exp sqrt sin cos tan floor ceil "
    "sign power isnan isfinite isinf histogram bincount searchsorted interp allclose array_equal corrcoef polyfit "
    "polyval DataFrame Series Index date_range Timestamp Timedelta Categorical size first last nth ngroups "
    "get_group explode "
    # of text and containers
    "lower upper title strip lstrip rstrip split rsplit splitlines partition rpartition replace startswith endswith "
    "find rfind join format casefold capitalize zfill ljust rjust center encode decode isdigit isalpha isalnum "
    "contains extract extractall findall match fullmatch search sub compile finditer group groups span count index "
    "union intersection difference symmetric_difference issubset issuperset isdisjoint most_common elements total "
    # of numbers, dates and the like
    "date now today strftime strptime isoformat total_seconds weekday isoweekday timestamp fromisoformat day_name "
    "month_name dumps loads Counter defaultdict OrderedDict deque namedtuple chain product combinations "
    "permutations islice accumulate pairwise gcd lcm factorial comb perm hypot isclose fsum dist stdev pstdev "
    "variance pvariance fmean Decimal Fraction datetime timedelta deepcopy perf_counter gather sleep "
)
